/**
 * A collection of tasks that an app takes over: for parts of a program that don't know the app.
 *
 * A task has one name in its blueprint, and in each app the one that its namespace makes of it. What is defined after an app
 * has taken a blueprint over comes to that app, too: the order in which modules are loaded is of no consequence.
 */
import { checkName } from "./defer-options.ts";
import { QueueConfigurationError, TaskAlreadyRegistered, UnboundTaskError } from "./errors.ts";
import type { JobManager } from "./job-manager.ts";
import type { PeriodicOptions, PeriodicPayload } from "./periodic.ts";
import { PeriodicRegistry, PeriodicTask } from "./periodic.ts";
import type {
  ContextTask,
  ContextTaskFunction,
  RegisteredTask,
  Task,
  TaskFunction,
  TaskOptions,
} from "./task.ts";
import { makeTask, TaskHandle } from "./task.ts";

/** How a blueprint's tasks are taken over. */
export interface NamespaceOptions {
  /** Stands before their names, with a colon: "mail" makes "mail:send" of "send". */
  readonly namespace: string;
}

type AnyTask = TaskHandle<never, unknown>;

/** What a blueprint knows; several apps can know the same. */
class Registry {
  /** By their own names. */
  readonly tasks: Map<string, AnyTask> = new Map();
  /** By all of their names. */
  readonly names: Map<string, AnyTask> = new Map();
  readonly heirs: { readonly heir: Blueprint; readonly namespace: string }[] = [];
  readonly periodic: PeriodicRegistry = new PeriodicRegistry();
}

/** A collection of tasks. */
export class Blueprint {
  readonly #registry: Registry;

  /** With what another one knows, if one is given. @internal */
  constructor(other?: Blueprint) {
    this.#registry = other === undefined ? new Registry() : other.#registry;
  }

  /** The tasks by their names here, aliases included. */
  get tasks(): ReadonlyMap<string, RegisteredTask> {
    return this.#registry.names;
  }

  /** Its schedules. */
  get periodicRegistry(): PeriodicRegistry {
    return this.#registry.periodic;
  }

  /**
   * Defines a task. The function is called with a job's payload and its context; with `passContext`, the other way round.
   *
   * @throws TaskAlreadyRegistered when the name, or an alias, is taken; QueueConfigurationError for options that make no sense.
   */
  task<Payload, Result>(
    options: TaskOptions & { readonly passContext: true },
    run: ContextTaskFunction<Payload, Result>,
  ): ContextTask<Payload, Result>;
  task<Payload, Result>(
    options: TaskOptions & { readonly passContext?: false | undefined },
    run: TaskFunction<Payload, Result>,
  ): Task<Payload, Result>;
  task<Payload, Result>(
    options: TaskOptions,
    run: TaskFunction<Payload, Result> | ContextTaskFunction<Payload, Result>,
  ): Task<Payload, Result> | ContextTask<Payload, Result> {
    const task = makeTask(options, run);
    this.#adopt([...new Set([task.name, ...task.aliases])], task);
    return task as Task<Payload, Result>;
  }

  /**
   * Has a task run by a schedule, and gives the task back. Its jobs get `{ timestamp }` beside the payload that is given here.
   *
   * @throws QueueConfigurationError for what can't be meant; TaskAlreadyRegistered for a second schedule with the same periodicId;
   * UnboundTaskError for a task of somebody else.
   */
  periodic<
    T extends TaskHandle<Payload, unknown>,
    Payload extends PeriodicPayload = PeriodicPayload,
  >(options: PeriodicOptions, task: T & TaskHandle<Payload, unknown>): T {
    if (!(task instanceof TaskHandle)) throw notATask(task);
    if (!this.#has(task))
      throw new UnboundTaskError(
        `the task "${String((task as RegisteredTask).name)}" isn't one of this ${this.constructor.name.toLowerCase()}'s`,
      );
    this.#schedule(new PeriodicTask(task, options));
    return task;
  }

  /**
   * Takes over the tasks and schedules of a blueprint; their names begin with the namespace from then on. A blueprint that is
   * given to several apps defers to the last of them.
   *
   * @throws TaskAlreadyRegistered when a name is taken; nothing has been taken over then.
   */
  addTasksFrom(blueprint: Blueprint, { namespace }: NamespaceOptions): void {
    checkName(namespace, "a namespace");
    if (blueprint === this) throw new QueueConfigurationError("a blueprint can't be its own part");
    for (const name of blueprint.#registry.names.keys()) this.#checkFree(`${namespace}:${name}`);
    blueprint.#registry.heirs.push({ heir: this, namespace });
    for (const task of new Set(blueprint.#registry.tasks.values()))
      this.#adopt(
        blueprint.#namesOf(task).map((name) => `${namespace}:${name}`),
        task,
      );
    for (const { task, options } of blueprint.periodicRegistry.periodicTasks)
      this.#schedule(new PeriodicTask(task, options));
  }

  /**
   * Gives a task another name, under which jobs of older versions of the program may still wait.
   *
   * @throws TaskAlreadyRegistered when the name is taken.
   */
  addTaskAlias(task: RegisteredTask, alias: string): void {
    if (!(task instanceof TaskHandle)) throw notATask(task);
    this.#addName(checkName(alias, "an alias of a task"), task as AnyTask);
  }

  /** Where the jobs of its tasks go. @internal */
  protected findManager(taskName: string): JobManager {
    throw new UnboundTaskError(
      `the task "${taskName}" belongs to a blueprint that no app has: call app.addTasksFrom() with it`,
    );
  }

  /** The first name is the task's own. */
  #adopt(names: readonly string[], task: AnyTask): void {
    for (const name of names) this.#checkFree(name);
    const [own = task.name, ...aliases] = names;
    this.#registry.tasks.set(own, task);
    task.bind(own, () => this.findManager(own));
    this.#addName(own, task);
    for (const alias of aliases) this.#addName(alias, task);
  }

  #addName(name: string, task: AnyTask): void {
    this.#checkFree(name);
    this.#registry.names.set(name, task);
    for (const { heir, namespace } of this.#registry.heirs) {
      const theirs = `${namespace}:${name}`;
      if (heir.#has(task)) heir.#addName(theirs, task);
      else heir.#adopt([theirs], task);
    }
  }

  #schedule(periodic: PeriodicTask): void {
    this.periodicRegistry.add(periodic);
    for (const { heir } of this.#registry.heirs) heir.#schedule(periodic);
  }

  #has(task: object): boolean {
    for (const own of this.#registry.tasks.values()) if (own === task) return true;
    return false;
  }

  #namesOf(task: AnyTask): string[] {
    return [...this.#registry.names].filter(([, one]) => one === task).map(([name]) => name);
  }

  /** Here, and wherever it would go from here. */
  #checkFree(name: string): void {
    if (this.#registry.names.has(name))
      throw new TaskAlreadyRegistered(
        `there is a task of the name "${name}" already: give one of them another name or namespace`,
      );
    for (const { heir, namespace } of this.#registry.heirs) heir.#checkFree(`${namespace}:${name}`);
  }
}

function notATask(value: unknown): QueueConfigurationError {
  return new QueueConfigurationError(
    `expected a task, as app.task() gives it, not ${value === null ? "null" : typeof value}`,
  );
}
