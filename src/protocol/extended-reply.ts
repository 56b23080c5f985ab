/**
 * The answer to a series of extended-query messages, matched step by step.
 *
 * Each step is a letter: `1` ParseComplete, `2` BindComplete, `3` CloseComplete, `t` parameter and row
 * description of a statement, `d` row description of a portal, `x` execution, `z` ReadyForQuery; and for a
 * control command that goes before a statement, BEGIN for example, `p` ParseComplete, `b` BindComplete,
 * `c` its completion, which gives no result. After an error the server skips to the next Sync (manual,
 * 54.2.3): to the reply's own `z`, or, when it has none, to that of a later reply.
 */
import type { Diagnostic } from "../errors.ts";
import { keepShape } from "../shapes.ts";
import type { ColumnDescription } from "./messages.ts";
import { commandTag, parameterDescription, rowDescription, Backend } from "./messages.ts";
import type { ReplyContext } from "./replies.ts";
import { ResultReply, surprise } from "./replies.ts";

const PARSE = 0x31; // 1
const BIND = 0x32; // 2
const CLOSE = 0x33; // 3
const DESCRIBE_STATEMENT = 0x74; // t
const DESCRIBE_PORTAL = 0x64; // d
const EXECUTE = 0x78; // x
const SYNC = 0x7a; // z
const CONTROL_PARSE = 0x70; // p
const CONTROL_BIND = 0x62; // b
const CONTROL_EXECUTE = 0x63; // c

/** The answer to a series of extended-query messages. */
export class ExtendedReply extends ResultReply {
  /** The parameters' types, when a statement was described. */
  parameterOids: readonly number[] | null = null;
  /** The columns, when a statement or portal was described; null when it gives no rows. */
  columns: readonly ColumnDescription[] | null;
  /** How many statements were closed. */
  closed = 0;
  /** Whether the Parse among the steps succeeded. */
  parsed = false;
  /** Whether a Bind among the steps succeeded: execution may have begun. */
  bound = false;
  /** Whether it was a control command in front that failed, and not the statement. */
  controlFailed = false;
  private readonly steps: string;
  private at = 0;

  /** A reply to the given steps; `columns` are those of a statement that isn't described again. */
  constructor(steps: string, columns: readonly ColumnDescription[] | null = null) {
    super();
    this.steps = steps;
    this.columns = columns;
  }

  override get syncs(): boolean {
    return this.steps.charCodeAt(this.steps.length - 1) === SYNC;
  }

  private step(): number {
    return this.steps.charCodeAt(this.at);
  }

  private advance(): void {
    this.at++;
    if (this.at === this.steps.length) this.settled = true;
    else if (this.columns && this.step() === EXECUTE) this.begin(this.columns);
  }

  override accept(
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
    context: ReplyContext,
  ): void {
    const step = this.step();
    switch (type) {
      case Backend.bindComplete:
        if (step === BIND) this.bound = true;
        else if (step !== CONTROL_BIND) throw surprise(type);
        return this.advance();
      case Backend.commandComplete:
        if (step === EXECUTE) this.complete(commandTag(bytes, start, end));
        else if (step !== CONTROL_EXECUTE) throw surprise(type);
        return this.advance();
      case Backend.readyForQuery:
        if (step !== SYNC) throw surprise(type);
        return this.advance();
      case Backend.parseComplete:
        if (step === PARSE) this.parsed = true;
        else if (step !== CONTROL_PARSE) throw surprise(type);
        return this.advance();
      case Backend.parameterDescription:
        if (step !== DESCRIBE_STATEMENT || this.parameterOids) throw surprise(type);
        this.parameterOids = parameterDescription(bytes, start, end);
        return;
      case Backend.rowDescription:
      case Backend.noData:
        if (step === DESCRIBE_STATEMENT ? !this.parameterOids : step !== DESCRIBE_PORTAL)
          throw surprise(type);
        this.columns = type === Backend.noData ? null : rowDescription(bytes, start, end);
        return this.advance();
      case Backend.closeComplete:
        if (step !== CLOSE) throw surprise(type);
        this.closed++;
        return this.advance();
      case Backend.emptyQueryResponse:
        if (step !== EXECUTE || this.isGiving) throw surprise(type);
        this.complete("");
        return this.advance();
      case Backend.portalSuspended:
        throw surprise(type);
      default:
        if (step !== EXECUTE || !this.copy(type, context, this.syncs)) throw surprise(type);
    }
  }

  override refuse(error: Diagnostic): void {
    if (this.error) throw surprise(Backend.errorResponse);
    this.error = error;
    this.current = null;
    const step = this.step();
    this.controlFailed =
      step === CONTROL_PARSE || step === CONTROL_BIND || step === CONTROL_EXECUTE;
    if (this.syncs) this.at = this.steps.length - 1;
    else this.settled = true;
  }

  override skip(): void {
    super.skip();
    this.at = this.steps.length - 1;
  }
}

keepShape(new ExtendedReply("z"));
