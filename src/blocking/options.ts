/** What the blocking shell takes: the core's options, and libpq's keywords. */
import type { ConninfoObject } from "../conninfo/dict.ts";
import type { SessionOptions } from "../core/options.ts";
import type { DictRow } from "../rows.ts";

/** Options of {@link Connection.connect}: our own, and libpq's keywords, which win over the string's. */
export interface ConnectOptions<Row = DictRow> extends SessionOptions<Row>, ConninfoObject {}
