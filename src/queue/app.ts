/**
 * The app: tasks on one side, the connector to where their jobs are on the other.
 *
 * It owns nothing but its registry. Deferring goes through its job manager, whose connector can be replaced for a test; asynchronous
 * calls use the connector itself, blocking ones the one that it gives for that (getSyncConnector()).
 */
import { Blueprint } from "./blueprint.ts";
import { ConfiguredTask } from "./configured-task.ts";
import type { Connector } from "./connector.ts";
import type { DeferOptions } from "./defer-options.ts";
import { readTemplate } from "./defer-options.ts";
import { QueueConfigurationError, TaskNotFound } from "./errors.ts";
import { importPaths } from "./import-paths.ts";
import { JobManager } from "./job-manager.ts";
import type { PeriodicDefaults } from "./periodic.ts";
import { SchemaManager } from "./schema-manager.ts";
import type { RegisteredTask, TaskHandle } from "./task.ts";
import { runWorker } from "./worker/run.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** What an app is made of. */
export interface AppOptions {
  /** Where jobs are stored. */
  readonly connector: Connector;
  /** Modules that define tasks, loaded before a worker starts: paths from the working directory, or packages. */
  readonly importPaths?: readonly string[] | undefined;
  /** What workers do unless they are told otherwise. */
  readonly workerDefaults?: WorkerOptions | undefined;
  /** What schedules are like unless they say otherwise. */
  readonly periodicDefaults?: PeriodicDefaults | undefined;
}

/** How a task is called that is defined elsewhere. */
export interface ConfigureTaskOptions<Given = unknown> extends DeferOptions<Given> {
  /** Whether the app need not know the task; true by default. */
  readonly allowUnknown?: boolean | undefined;
}

/** Tasks, and where their jobs are. */
export class App extends Blueprint implements AsyncDisposable, Disposable {
  #connector: Connector;
  readonly #options: AppOptions;
  #imported: Promise<void> | null = null;
  /** Stores jobs and looks after them. */
  readonly jobManager: JobManager = new JobManager(() => this.#connector);

  /** Brings the schema of the connector's storage to the version that is needed. */
  readonly schemaManager: SchemaManager = new SchemaManager(() => this.#connector);

  /** @throws QueueConfigurationError without a connector. */
  constructor(options: AppOptions, tasksOf?: App) {
    super(tasksOf);
    this.#connector = checkConnector(options?.connector);
    this.#options = options;
  }

  /** Where its jobs are. */
  get connector(): Connector {
    return this.#connector;
  }

  /** What workers do unless they are told otherwise. */
  get workerDefaults(): WorkerOptions {
    return this.#options.workerDefaults ?? {};
  }

  /** What schedules are like unless they say otherwise. */
  get periodicDefaults(): PeriodicDefaults {
    return this.#options.periodicDefaults ?? {};
  }

  /**
   * Opens it for asynchronous use, and for blocking use as well if its connector can do that.
   *
   * @param engine a pool, or what the connector works with, which is used and never closed; most connectors make one of their own.
   * @returns itself: `await using opened = await app.open()` closes it at the end of the block.
   */
  async open(engine?: unknown): Promise<this> {
    await this.#connector.open(engine);
    return this;
  }

  /** Closes what open() opened; never throws. */
  async close(): Promise<void> {
    await this.#connector.close();
  }

  /**
   * Opens it for blocking use, which most asynchronous connectors do with a counterpart of theirs.
   *
   * @returns itself: `using opened = app.openSync()` closes it at the end of the block.
   */
  openSync(engine?: unknown): this {
    this.#connector.openSync(engine);
    return this;
  }

  /** Closes what openSync() opened; never throws. */
  closeSync(): void {
    this.#connector.closeSync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  /**
   * Gives an app with the same tasks and schedules and another connector. Jobs of these tasks still go to where the tasks are
   * from; use `configureTask()` of the new app to defer there.
   */
  withConnector(connector: Connector): App {
    return new App({ ...this.#options, connector }, this);
  }

  /**
   * Uses another connector until what it returns is disposed of, or while the function runs, which gets the app and whose
   * result it gives. For tests: everything that the app does meanwhile is concerned.
   */
  replaceConnector(connector: Connector): Disposable;
  replaceConnector<Result>(connector: Connector, use: (app: this) => Result): Result;
  replaceConnector<Result>(connector: Connector, use?: (app: this) => Result): Result | Disposable {
    const before = this.#connector;
    this.#connector = checkConnector(connector);
    const restore = (): void => {
      this.#connector = before;
    };
    if (use === undefined) return { [Symbol.dispose]: restore };
    return during(() => use(this), restore);
  }

  /**
   * Says what jobs are to be like of a task that the caller has only the name of, or whose jobs are to go to this app.
   *
   * @throws TaskNotFound when there is no such task and `allowUnknown` is false.
   */
  configureTask<Payload = Record<string, unknown>>(
    task: string | TaskHandle<Payload, unknown>,
    options: ConfigureTaskOptions = {},
  ): ConfiguredTask<Payload> {
    const { allowUnknown = true, ...defer } = options;
    const known = typeof task === "string" ? this.tasks.get(task) : task;
    if (known === undefined && !allowUnknown) throw this.#notFound(task as string);
    const template =
      known === undefined ? readTemplate(task as string, {}) : readTemplate(known.name, known);
    return new ConfiguredTask<Payload>(template, defer, () => this.jobManager);
  }

  /**
   * The task of this name, or with this alias.
   *
   * @throws TaskNotFound when there is none.
   */
  getTask(name: string): RegisteredTask {
    const task = this.tasks.get(name);
    if (task === undefined) throw this.#notFound(name);
    return task;
  }

  /** Whether the database answers and has the tables. */
  async checkConnection(): Promise<boolean> {
    return (await this.#connector.run("schemaVersion", {})) !== null;
  }

  /** The same, while the thread waits. */
  checkConnectionSync(): boolean {
    return this.#connector.getSyncConnector().runSync("schemaVersion", {}) !== null;
  }

  /**
   * Loads the modules of `importPaths`, once.
   *
   * @throws QueueConfigurationError for one that can't be loaded.
   */
  async performImportPaths(): Promise<void> {
    await (this.#imported ??= importPaths(this.#options.importPaths ?? []));
  }

  /**
   * Runs jobs until it is stopped: by its signal, SIGINT or SIGTERM; with `wait: false` until there is nothing left to do.
   *
   * @throws QueueConfigurationError for options that make no sense; what the modules of `importPaths` throw.
   */
  async runWorker(options: WorkerOptions = {}): Promise<void> {
    await this.performImportPaths();
    // What is undefined isn't said: a default must not be lost to an option that nobody gave.
    const said = Object.entries(options).filter(([, value]) => value !== undefined);
    await runWorker(this, { ...this.workerDefaults, ...Object.fromEntries(said) });
  }

  protected override findManager(_taskName: string): JobManager {
    return this.jobManager;
  }

  #notFound(name: string): TaskNotFound {
    return new TaskNotFound(
      `there is no task "${name}" in this app: define it, or name its module in importPaths`,
    );
  }
}

function checkConnector(connector: unknown): Connector {
  if (typeof (connector as Connector | undefined)?.getSyncConnector === "function")
    return connector as Connector;
  throw new QueueConfigurationError("an app needs a connector, as new MahoutConnector()");
}

/** Calls `use`, and `after` when it is over: later, if it gives a promise. */
function during<Result>(use: () => Result, after: () => void): Result {
  let isLater = false;
  try {
    const result = use();
    const { then } = (result ?? {}) as { then?: unknown };
    if (typeof then !== "function") return result;
    isLater = true;
    return (result as Result & Promise<unknown>).finally(after) as Result;
  } finally {
    if (!isLater) after();
  }
}
