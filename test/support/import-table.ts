// The house rule of src: which layer may import what. Values only from the layers named; types also
// from any lower layer named under `types`, because they leave no trace in the built code. Every
// layer may use its own files and the errors. architecture.test.ts applies it to the real tree.

import { dirname, join } from "node:path/posix";
import { readSource } from "./source-imports.ts";

interface Layer {
  /** Paths below src, as prefixes. */
  readonly files: readonly string[];
  /** Layers or single files whose values it may import. */
  readonly values: readonly string[];
  /** Layers whose types it may import besides. */
  readonly types: readonly string[];
  /** Packages and Node modules; where a pattern is given, only for the files that it matches. */
  readonly packages: Readonly<Record<string, RegExp>>;
  /** Names that may not occur. */
  readonly names: readonly string[];
  /** Whether promises are at home here. */
  readonly asynchronous: boolean;
}

const ANY = /^/;
// Questions about values, without state or effect: every layer may ask them.
const PURE = new Set(["node:util", "node:util/types"]);
const TIMERS = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "clearTimeout"];
const PROMISES = ["Promise", "PromiseLike", "Awaited"];
const CLOCKS = ["Date", "performance", "Temporal"];

/** Lowest first. */
const LAYERS: Readonly<Record<string, Layer>> = {
  errors: {
    files: ["errors.ts", "sqlstate.ts", "retryable.ts", "fresh.ts", "shapes.ts"],
    values: [],
    types: [],
    packages: {},
    names: [...TIMERS, ...PROMISES, ...CLOCKS],
    asynchronous: false,
  },
  protocol: {
    files: ["protocol/"],
    values: [],
    types: [],
    packages: {
      "node:crypto": /^protocol\/(auth|scram)/,
      "pg-protocol": /^protocol\/(encode|decode|messages)/,
    },
    names: [...TIMERS, ...PROMISES, ...CLOCKS],
    asynchronous: false,
  },
  rows: {
    files: ["rows.ts"],
    values: ["protocol/bytes.ts"],
    types: ["protocol"],
    packages: {},
    names: [...TIMERS, ...PROMISES],
    asynchronous: false,
  },
  adapt: {
    files: ["adapt/"],
    values: ["protocol/bytes.ts", "protocol/writer.ts", "rows"],
    types: ["protocol"],
    packages: {},
    names: [...TIMERS, ...PROMISES],
    asynchronous: false,
  },
  sql: {
    files: ["sql/"],
    values: ["protocol/bytes.ts", "protocol/writer.ts", "adapt", "rows"],
    types: ["protocol"],
    packages: {},
    names: [...TIMERS, ...PROMISES],
    asynchronous: false,
  },
  conninfo: {
    files: ["conninfo/", "conninfo.ts"],
    values: [],
    types: [],
    packages: { "node:fs": ANY, "node:os": ANY, "node:path": ANY, "pg-connection-string": ANY },
    names: [...TIMERS, ...PROMISES],
    asynchronous: false,
  },
  core: {
    files: ["core/"],
    values: ["protocol", "adapt", "sql", "rows", "conninfo"],
    types: [],
    packages: {
      // Names of prepared statements must not collide behind a pooler.
      "node:crypto": /^core\/statements/,
      // Channels are named once for both shells; publishing is a plain call.
      "node:diagnostics_channel": /^core\/channels/,
    },
    names: [...TIMERS, ...PROMISES],
    asynchronous: false,
  },
  transport: {
    files: ["transport/"],
    values: ["protocol/session.ts", "protocol/effects.ts", "protocol/cancel.ts"],
    types: ["protocol", "conninfo"],
    packages: {
      "node:net": ANY,
      "node:tls": ANY,
      "node:worker_threads": ANY,
      "node:fs": ANY,
      "node:timers": /^transport\/gathering/,
      "node:dns": /^transport\/(chores|lookup)/,
      "node:os": /^transport\/(direct-reader|interruption)/,
      "node:path": /^transport\/tls/,
      // The slow half of SCRAM, which a conversation asks its driver for; whether a certificate is one.
      "node:crypto": /^transport\/(derive|tls-files)/,
    },
    names: [],
    asynchronous: true,
  },
  async: {
    files: ["async/"],
    values: ["core", "transport", "conninfo"],
    types: ["rows", "sql", "adapt", "protocol"],
    // Streams of Node.js are offered where data is copied.
    packages: { "node:async_hooks": ANY, "node:stream": /^async\/copy/ },
    names: [],
    asynchronous: true,
  },
  blocking: {
    files: ["blocking/"],
    values: ["core", "transport", "conninfo"],
    types: ["rows", "sql", "adapt", "protocol"],
    packages: {},
    names: PROMISES,
    asynchronous: false,
  },
  notify: {
    files: ["notify/"],
    // How a handler's failure is told and a name is quoted is said once, for all of the house.
    values: ["async", "core/handlers.ts", "core/operations.ts", "sql/identifier.ts"],
    types: ["core", "conninfo"],
    packages: {},
    names: [],
    asynchronous: true,
  },
  pool: {
    files: ["pool/"],
    values: [
      // The blocking pool lends blocking connections by the same rules.
      "async",
      "blocking",
      // Failures of handlers, tracing, requests, taking back what is open and asking whether the server is
      // there are said once, for all of the house; so is listening to one signal on behalf of many.
      "core/abandon.ts",
      "core/handlers.ts",
      "core/channels.ts",
      "core/operations.ts",
      "core/probe.ts",
      "core/recapture.ts",
      "transport/abort.ts",
      // A pool has a layer of adapters of its own.
      "adapt/builtins.ts",
      "adapt/registry.ts",
    ],
    types: ["core", "conninfo", "rows", "adapt"],
    packages: { "generic-pool": /^pool\/places/, "node:async_hooks": ANY },
    names: [],
    asynchronous: true,
  },
  queue: {
    files: ["queue/"],
    // How a handler's failure is told, and whether a channel has subscribers, is said once, for all of the house.
    values: ["core/channels.ts", "pool", "notify", "sql", "rows", "core/handlers.ts"],
    types: ["async", "blocking", "conninfo"],
    packages: {
      "node:async_hooks": ANY,
      croner: /^queue\/cron/,
      // Modules that define tasks are loaded by their paths.
      "(computed)": /^queue\/import-paths/,
      "node:diagnostics_channel": /^queue\/channels/,
      "node:module": /^queue\/import-paths/,
      "node:path": /^queue\/import-paths/,
      "node:url": /^queue\/import-paths/,
    },
    names: [],
    asynchronous: true,
  },
  cli: {
    files: ["cli/"],
    values: ["queue", "notify"],
    types: [],
    packages: {
      commander: ANY,
      // The user's own module.
      "(computed)": /^cli\/app-loading/,
      "node:path": ANY,
      "node:readline/promises": ANY,
      "node:url": ANY,
    },
    names: [],
    asynchronous: true,
  },
};

/** What names the type of both shells' answers, and waits for none. */
const NAMES_ANSWERS = /^core\/type-source\.ts$/;

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).find((name) =>
    LAYERS[name]?.files.some((prefix) => path.startsWith(prefix)),
  );
}

/** The path below src that a relative import of the file at `path` means. */
export function resolveImport(path: string, specifier: string): string {
  return join(dirname(path), specifier);
}

function importComplaint(path: string, layer: Layer, specifier: string, typeOnly: boolean): string {
  if (PURE.has(specifier)) return "";
  if (!specifier.startsWith(".")) {
    const pattern = Object.hasOwn(layer.packages, specifier)
      ? layer.packages[specifier]
      : undefined;
    return pattern?.test(path) === true ? "" : `${path} may not import ${specifier}`;
  }
  const target = resolveImport(path, specifier);
  const theirs = layerOf(target);
  const ours = layerOf(path);
  if (theirs === undefined) return `${path} imports ${target}, which belongs to no layer`;
  if (theirs === ours || theirs === "errors") return "";
  if (layer.values.includes(theirs) || layer.values.includes(target)) return "";
  if (typeOnly && layer.types.includes(theirs)) return "";
  const what = typeOnly ? "types" : "values";
  return `${path} may not import ${what} of ${target}`;
}

/** The doors import anything, and contain nothing but exports. */
function doorComplaints(path: string, text: string): string[] {
  const { statements } = readSource(text);
  const alien = statements.filter(
    (kind) => kind !== "ExportNamedDeclaration" && kind !== "ExportAllDeclaration",
  );
  return alien.map((kind) => `${path} may only re-export, but contains a ${kind}`);
}

/** Everything about the file at `path` (below src) that breaks a rule. */
export function complaints(path: string, text: string): string[] {
  if (/(^|\/)(utils?|helpers?|misc|common)(\.|\/|-)/.test(path)) {
    return [`${path}: a helper without a home is a concept without a name`];
  }
  if (/^(queue\/)?index\.m?ts$/.test(path)) return doorComplaints(path, text);
  if (path === "cli.ts") return [];
  const name = layerOf(path);
  const layer = name === undefined ? undefined : LAYERS[name];
  if (layer === undefined) return [`${path} belongs to no layer`];
  const facts = readSource(text);
  const found = facts.imports.map(({ specifier, typeOnly }) =>
    importComplaint(path, layer, specifier, typeOnly),
  );
  for (const forbidden of layer.names) {
    if (facts.names.has(forbidden) && !NAMES_ANSWERS.test(path))
      found.push(`${path} may not use ${forbidden}`);
  }
  if (facts.asynchronous && !layer.asynchronous) found.push(`${path} may not be asynchronous`);
  return found.filter((complaint) => complaint !== "");
}
