/**
 * All types of a database, made known at once: when a connection is made, if it is to know them, and whenever a
 * program says so.
 *
 * They are kept apart from what was registered, which always counts. So it doesn't matter what comes first, and
 * types can be fetched again without undoing what a program has said of some. Nothing is remembered from one
 * connection to the next but within a pool: types come and go, and a database can be another one by then.
 */
import { FetchedTypes } from "../adapt/fetched-types.ts";
import type { TypeIdentity } from "../adapt/oids.ts";
import type { Recipe } from "../adapt/recipe.ts";
import type { AdaptersMap, Codec } from "../adapt/registry.ts";
import { hstoreCodec } from "../adapt/types/hstore.ts";
import { kindOf } from "../adapt/types/refuse.ts";
import { text } from "../adapt/types/text.ts";
import { unknownCodec } from "../adapt/types/unknown.ts";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { MahoutError, type OperationalError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeTerminate } from "../protocol/encode.ts";
import type { Session } from "../protocol/session.ts";
import type { Connected } from "./connect.ts";
import type { ConnectionCore } from "./connection.ts";
import { isOfDatabase } from "./database-types.ts";
import { allInfos, TypeInfo } from "./type-info.ts";
import type { AdaptersContext } from "./type-registering.ts";
import { adaptersOf } from "./type-registering.ts";

/** Who holds types: a session, as far as it matters. */
export interface TypeHolder {
  /** The adapters that are to know them. */
  readonly adapters: AdaptersMap;
  /** Whether it can't be used any more. */
  readonly ended: boolean;
}

/** What connections that are made together share: types that one of them has fetched. */
export interface TypeMemory {
  /** What was fetched for a place, if one of those who hold it still lives; `holder` is another one of them. */
  find(place: string, holder: TypeHolder): FetchedTypes | null;
  /** Keeps what was fetched for a place. */
  keep(place: string, holder: TypeHolder, types: FetchedTypes): void;
}

/** What a connection that is about to be made needs to learn the types. */
export interface Learning {
  readonly core: Pick<ConnectionCore<unknown>, "adapters" | "refresh">;
  readonly parameters: ConnectionParameters;
  readonly memory: TypeMemory | null;
}

/**
 * Makes the types of the database known to a connection that was just made.
 *
 * @throws the server's error when it doesn't let itself be asked; the connection is closed then.
 */
export function* learnTypes(
  { session, endpoint }: Connected,
  { core, parameters, memory }: Learning,
): Conversation<void> {
  const place = placeOf(endpoint, parameters);
  const holder = holderOf(session, core);
  let types = memory?.find(place, holder) ?? null;
  if (types === null) {
    try {
      types = typesOf(yield* allInfos(session));
    } catch (error) {
      if (session.ended) throw error;
      writeTerminate(session.outbox);
      yield { kind: "close", atOnce: false };
      throw explained(error);
    }
    memory?.keep(place, holder, types);
  }
  core.adapters.learn(types);
}

function holderOf(session: Session, core: Learning["core"]): TypeHolder {
  return {
    adapters: core.adapters,
    get ended() {
      core.refresh?.(true);
      return session.ended;
    },
  };
}

/**
 * Makes types known that were fetched together: as `info.register()` does for each of them, but what has been or
 * will be registered by itself counts instead.
 *
 * @param infos what `TypeInfo.fetchAll()` gives, or some of it.
 * @param context as for {@link TypeInfo.register}.
 * @throws ProgrammingError for what isn't a list of infos.
 */
export function registerTypes(infos: Iterable<TypeInfo>, context?: AdaptersContext): void {
  const isList = typeof infos === "object" && infos !== null && Symbol.iterator in infos;
  const list: unknown[] = isList ? [...infos] : [infos];
  const stranger = isList ? list.findIndex((info) => !(info instanceof TypeInfo)) : 0;
  if (stranger >= 0)
    throw new ProgrammingError(
      `registerTypes() takes a list as TypeInfo.fetchAll() gives it, not ${isList ? "one with " : ""}${kindOf(list[stranger])}`,
    );
  adaptersOf(context).learn(typesOf(list as TypeInfo[]));
}

function typesOf(infos: readonly TypeInfo[]): FetchedTypes {
  const all = new Set(infos.flatMap((info) => [...info.parts, info]));
  return FetchedTypes.of([...all].filter(isOfDatabase).map(recipeOf));
}

function recipeOf(info: TypeInfo): Recipe {
  const { regtype: name, oid, arrayOid, delimiter } = info;
  const type = { name, oid, arrayOid };
  const make = info.codecIn();
  if (make !== null) return { ...type, make };
  const codec = EXTENSIONS.get(info.name)?.(type) ?? { ...unknownCodec, ...type, delimiter };
  return { ...type, make: () => codec };
}

/** Base types of extensions that are known here by their names; citext differs from text on the server only. */
const EXTENSIONS: ReadonlyMap<string, (type: TypeIdentity) => Codec> = new Map([
  ["citext", (type: TypeIdentity): Codec => ({ ...text, ...type })],
  ["hstore", (type: TypeIdentity): Codec => hstoreCodec(type, false)],
]);

/** Connections to the same place see the same types, under the same names as long as they are of the same user. */
function placeOf(endpoint: Connected["endpoint"], { dbname, user }: ConnectionParameters): string {
  const { host, hostaddr, port, socketPath } = endpoint;
  return JSON.stringify([host, hostaddr, port, socketPath, dbname, user]);
}

function explained(error: unknown): unknown {
  if (!(error instanceof MahoutError)) return error;
  const Kind = error.constructor as typeof OperationalError;
  const { diag, code, statement } = error;
  const message = `fetchTypes could not ask for the types of the database: ${error.message}`;
  return new Kind(message, { cause: error, diag, code, statement });
}
