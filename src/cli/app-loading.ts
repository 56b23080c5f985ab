/**
 * Finds the app that a command is about: one of the user's modules, or one made from a conninfo.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { App, MahoutConnector, QueueConfigurationError } from "../queue/index.ts";

/** Where the app is. */
export interface AppPlace {
  /** A module, with the name of its export after "#" if that is not `app` or the default one. */
  readonly app?: string | undefined;
  readonly conninfo?: string | undefined;
  readonly schema?: string | undefined;
}

/**
 * Loads the app.
 *
 * @throws QueueConfigurationError when there is no such module, or no app in it.
 */
export async function loadApp({ app, conninfo, schema }: AppPlace): Promise<App> {
  if (app === undefined) {
    // Who waits at a terminal, or checks a container, wants to know sooner than a program's pool would say.
    const options = { timeout: 10_000, ...(schema === undefined ? {} : { schema }) };
    return new App({ connector: new MahoutConnector(conninfo ?? "", options) });
  }
  const [path = "", name] = app.split("#");
  const module = await importModule(path);
  const found = name === undefined ? (module["app"] ?? defaultOf(module)) : module[name];
  if (isApp(found)) return found;
  const exported = Object.keys(module).join(", ") || "nothing";
  throw new QueueConfigurationError(
    `${path} exports no app as ${name ?? "app or default"}; it exports ${exported}`,
  );
}

type Module = Readonly<Record<string, unknown>>;

async function importModule(path: string): Promise<Module> {
  const file = pathToFileURL(resolve(path)).href;
  try {
    return (await import(file)) as Module;
  } catch (error) {
    throw new QueueConfigurationError(`the module ${path} could not be loaded: ${String(error)}`, {
      cause: error,
    });
  }
}

/** The default export; of a CommonJS module also the `app` within it. */
function defaultOf(module: Module): unknown {
  const value = module["default"];
  if (isApp(value) || typeof value !== "object" || value === null) return value;
  return Reflect.get(value, "app") ?? Reflect.get(value, "default");
}

/** Not `instanceof`: the user's module may have loaded another copy of the package. */
function isApp(value: unknown): value is App {
  return typeof (value as App | null | undefined)?.runWorker === "function";
}
