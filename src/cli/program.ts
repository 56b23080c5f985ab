/**
 * The command `mahout`: its subcommands, their options, and the environment's names for them.
 */
import { Command } from "commander";
import type { App, Retention } from "../queue/index.ts";
import { loadApp } from "./app-loading.ts";
import { listen } from "./listen-command.ts";
import { defer, healthcheck, shell, shellLine } from "./manage-commands.ts";
import type { DeferCommand } from "./manage-commands.ts";
import { duration, json, names, option, whole } from "./options.ts";
import { Output } from "./output.ts";
import { runWorker } from "./worker-command.ts";

interface Global {
  readonly app?: string;
  readonly conninfo?: string;
  readonly schema?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** The same time for all that jobs can end as. */
function keptFor(time: number): Retention {
  return { succeeded: time, failed: time, cancelled: time, aborted: time };
}

/** Builds the command; `version` is the package's. */
export function program(version: string): Command {
  const root = new Command("mahout")
    .description("Runs and looks after the jobs of a mahout queue.")
    .version(version)
    .addOption(
      option("-a, --app <module>", "module of the app, as ./app.js or ./app.js#name", "APP"),
    )
    .addOption(option("--conninfo <conninfo>", "database, when no app is given", "CONNINFO"))
    .addOption(option("--schema <name>", "PostgreSQL schema, when no app is given", "SCHEMA"))
    .addOption(option("--json", "print JSON, one object a line", "JSON"))
    .addOption(option("-v, --verbose", "print more", "VERBOSE"));
  const global = (): Global => root.opts<Global>();
  const output = (): Output => new Output(global().json === true, process.stdout);

  /** Opens the app for a command, and closes it again. */
  async function withApp(run: (app: App) => Promise<void>): Promise<void> {
    const app = await loadApp(global());
    await app.open();
    try {
      await run(app);
    } finally {
      await app.close();
    }
  }

  root
    .command("worker")
    .description("runs jobs until SIGINT or SIGTERM")
    .addOption(
      option("-q, --queues <names>", "queues, separated by commas", "WORKER_QUEUES").argParser(
        names,
      ),
    )
    .addOption(option("-n, --name <name>", "its name", "WORKER_NAME"))
    .addOption(
      option("-c, --concurrency <n>", "jobs at a time", "WORKER_CONCURRENCY").argParser(whole),
    )
    .addOption(option("--prefetch <n>", "jobs it takes ahead", "WORKER_PREFETCH").argParser(whole))
    .addOption(option("--one-shot", "ends when there is nothing to do", "WORKER_ONE_SHOT"))
    .addOption(
      option("--no-listen-notify", "asks for jobs instead of listening", "WORKER_NO_LISTEN_NOTIFY"),
    )
    .addOption(
      option("--polling-interval <time>", "how often it asks", "WORKER_POLLING_INTERVAL").argParser(
        duration,
      ),
    )
    .addOption(
      option(
        "--heartbeat-interval <time>",
        "how often it says that it is alive",
        "WORKER_HEARTBEAT_INTERVAL",
      ).argParser(duration),
    )
    .addOption(
      option(
        "--stalled-worker-timeout <time>",
        "after what silence its jobs are taken back",
        "WORKER_STALLED_WORKER_TIMEOUT",
      ).argParser(duration),
    )
    .addOption(
      option(
        "--shutdown-graceful-timeout <time>",
        "how long jobs may go on when it stops",
        "WORKER_SHUTDOWN_GRACEFUL_TIMEOUT",
      ).argParser(duration),
    )
    .addOption(
      option("--delete-jobs <when>", "what is not kept when it ends", "WORKER_DELETE_JOBS").choices(
        ["never", "successful", "always"],
      ),
    )
    .addOption(
      option("--retention <time>", "how long ended jobs are kept", "WORKER_RETENTION").argParser(
        duration,
      ),
    )
    .action(async (given: Record<string, unknown>, command: Command) => {
      const { oneShot, retention, listenNotify: _, ...options } = given;
      // What nobody said is as the app's own defaults say.
      const isSaid = command.getOptionValueSource("listenNotify") !== "default";
      const said = {
        ...options,
        ...(oneShot === true ? { wait: false } : {}),
        ...(isSaid ? { listenNotify: false } : {}),
        ...(typeof retention === "number" ? { retention: keptFor(retention) } : {}),
      };
      await withApp((app) => runWorker(app, said, output(), global().verbose === true));
    });

  root
    .command("defer")
    .description("stores a job")
    .argument("<task>", "the task's name")
    .argument("[payload]", "its payload, as JSON", json)
    .addOption(option("--queue <name>", "its queue", "DEFER_QUEUE"))
    .addOption(
      option("--lock <name>", "jobs with the same lock run one after the other", "DEFER_LOCK"),
    )
    .addOption(option("--queueing-lock <name>", "one job with it can wait", "DEFER_QUEUEING_LOCK"))
    .addOption(
      option(
        "-i, --ignore-already-enqueued",
        "no failure when one waits",
        "DEFER_IGNORE_ALREADY_ENQUEUED",
      ),
    )
    .addOption(option("--at <timestamp>", "from when, as ISO 8601 with a zone", "DEFER_AT"))
    .addOption(option("--in <time>", "after how long", "DEFER_IN").argParser(duration))
    .addOption(option("--priority <n>", "higher ones first", "DEFER_PRIORITY").argParser(whole))
    .addOption(option("--unknown", "the app need not know the task", "DEFER_UNKNOWN"))
    .action(
      async (task: string, payload: unknown, options: Omit<DeferCommand, "task" | "payload">) => {
        // Without a module there is nobody who could know it.
        const unknown = options.unknown === true || global().app === undefined;
        const command = { ...options, unknown, task, payload: payload ?? {} };
        await withApp((app) => defer(app, command, output()));
      },
    );

  root
    .command("schema")
    .description("shows or applies the schema")
    .addOption(option("--apply", "creates it, or brings it up to date", "SCHEMA_APPLY"))
    .addOption(option("--read", "prints its SQL", "SCHEMA_READ"))
    .action(async ({ apply, read }: { readonly apply?: boolean; readonly read?: boolean }) => {
      if (read === true) {
        const { schemaManager } = await loadApp(global());
        return void process.stdout.write(`${schemaManager.getSchema()}\n`);
      }
      await withApp(async ({ schemaManager }) => {
        if (apply === true) await schemaManager.apply();
        const found = await schemaManager.installedVersion();
        const text = found === null ? "there is no schema; --apply creates it" : `version ${found}`;
        output().say(text, { version: found, wanted: schemaManager.version });
        if (found === null) process.exitCode = 1;
      });
    });

  root
    .command("shell")
    .description(
      'lists, retries and cancels jobs: "mahout shell jobs status=failed", or line by line',
    )
    .argument("[words...]", "one command; without it they are read from standard input")
    .action(async (words: readonly string[]) => {
      await withApp(async (app) => {
        const out = output();
        if (words.length > 0) await shellLine(app, words.join(" "), out);
        else await shell(app, process.stdin, out);
        if (out.failed) process.exitCode = 1;
      });
    });

  root
    .command("healthcheck")
    .description("fails when a worker could not work")
    .action(async () => {
      const app = await loadApp(global());
      try {
        if (!(await healthcheck(app, output()))) process.exitCode = 1;
      } finally {
        await app.close();
      }
    });

  root
    .command("listen")
    .description("prints what is notified")
    .argument("<channels...>", "names of channels")
    .action(async (channels: readonly string[]) => {
      const stop = new AbortController();
      for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
      await listen(channels, global().conninfo, output(), stop.signal);
    });

  return root;
}
