// Ways in which connections end, as tables: those that the system gets to know of, which are noticed at
// once, and those that nobody says anything of, which a limit or a probe finds.

import type { AsyncConnection, AsyncConnectOptions } from "../../src/index.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { TestServer } from "./server.ts";
import { eventually, type Shell } from "./shells.ts";

/** What an ending has at hand. */
export interface Scene {
  readonly server: TestServer;
  readonly proxy: FaultProxy;
  readonly connections: readonly AsyncConnection[];
}

/** One way in which connections end. */
export interface Ending {
  readonly name: string;
  /** Whether the connections go through the proxy. */
  readonly proxied?: boolean;
  /** Whether the server's processes end: only then does the system know. */
  readonly exits?: boolean;
  /** Ends them all; gives what undoes it, when all have noticed. */
  end(scene: Scene): unknown;
}

/** Sends a signal to the server's process for each connection. */
function signal({ connections }: Scene, name: NodeJS.Signals): void {
  for (const conn of connections) process.kill(conn.info.backendPid, name);
}

/** Endings that the system knows of. */
export const knownEndings: readonly Ending[] = [
  { name: "the session is terminated", exits: true, end: (scene) => signal(scene, "SIGTERM") },
  {
    name: "the server goes down at once",
    exits: true,
    end: ({ server }) => {
      server.kill("SIGQUIT");
      return async () => {
        await server.exited;
        await server.start();
      };
    },
  },
  {
    name: "the server goes down in order",
    exits: true,
    end: ({ server }) => {
      server.kill("SIGINT");
      return async () => {
        await server.exited;
        await server.start();
      };
    },
  },
  {
    name: "the network resets it",
    proxied: true,
    end: ({ proxy }) => void proxy.inflict({ do: "reset" }),
  },
  {
    name: "the network closes one half",
    proxied: true,
    end: ({ proxy }) => void proxy.inflict({ do: "end" }, { direction: "toClient" }),
  },
];

/** Endings that nobody says anything of. */
export const silentEndings: readonly Ending[] = [
  {
    name: "the server's process stands still",
    end: (scene) => {
      signal(scene, "SIGSTOP");
      return () => signal(scene, "SIGCONT");
    },
  },
  {
    name: "the whole server stands still",
    end: (scene) => {
      scene.server.kill("SIGSTOP");
      signal(scene, "SIGSTOP");
      return () => {
        scene.server.kill("SIGCONT");
        signal(scene, "SIGCONT");
      };
    },
  },
  {
    name: "the network is a black hole",
    proxied: true,
    end: async ({ proxy }) => {
      await proxy.inflict({ do: "hole" }, { newcomers: true });
      return () => proxy.heal();
    },
  },
];

/** Waits until the server's processes are no more; they have closed their sockets by then. */
async function untilExited(connections: readonly AsyncConnection[]): Promise<void> {
  const lives = ({ info }: AsyncConnection): boolean => {
    try {
      return process.kill(info.backendPid, 0);
    } catch {
      return false;
    }
  };
  while (connections.some(lives)) await new Promise(setImmediate);
}

/**
 * Makes connections, has them ended, and gives what `observe` finds of each; leaves nothing. `known` is when
 * the system knew, by `performance.now()`: when it was told to end them, or when the server's processes had.
 */
export async function endAll<T>(
  { shell, server, ending, count, options }: EndAll,
  observe: (conn: AsyncConnection, begin: () => number) => Promise<T>,
): Promise<{ found: T[]; known: number }> {
  await using proxy = await FaultProxy.start(server);
  const connections: AsyncConnection[] = [];
  const address = ending.proxied === true ? proxy : server;
  let undo: unknown;
  try {
    for (let made = 0; made < count; made++) {
      connections.push(
        await shell.Connection.connect(address.conninfo({ sslmode: "disable" }), options),
      );
    }
    let begin = 0;
    const observed = connections.map((conn) => observe(conn, () => begin));
    // Whoever fails shall not do so unheard while the others are waited for.
    for (const one of observed) one.catch(() => {});
    begin = performance.now();
    undo = await ending.end({ server, proxy, connections });
    const exited = ending.exits === true ? untilExited(connections) : undefined;
    const known = exited?.then(() => performance.now()) ?? begin;
    return { found: await Promise.all(observed), known: await known };
  } finally {
    if (typeof undo === "function") await (undo as () => unknown)();
    await Promise.all(connections.map(async (conn) => await conn.close()));
    await proxy.closed();
    const pids = connections.map(({ info }) => info.backendPid).join();
    await eventually(
      async () =>
        pids === "" ||
        (await server.administer(`select 1 from pg_stat_activity where pid in (${pids})`))
          .length === 0,
    );
  }
}

/** Whose connections are ended, how, and how many at once. */
export interface EndAll {
  readonly shell: Shell;
  readonly server: TestServer;
  readonly ending: Ending;
  readonly count: number;
  readonly options?: AsyncConnectOptions;
}

/** When a connection told of its end by itself, by `performance.now()`. */
export function untilTold(conn: AsyncConnection): Promise<number> {
  const { disconnected } = conn;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("nobody noticed")), 10_000);
    disconnected.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(performance.now());
    });
  });
}
