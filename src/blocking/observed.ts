/**
 * Tells the tracing channels of an operation that blocks.
 *
 * What an operation is, and what is told of it, is said in core/channels.ts.
 */
import type { OperationChannel, OperationContext } from "../core/channels.ts";
import { isWatched, tellError } from "../core/channels.ts";

/**
 * Does `operate` and tells of it where anybody listens: the context is only made then.
 *
 * @param tell adds to the context what the operation gave.
 */
export function observed<T>(
  channel: OperationChannel,
  contextOf: () => OperationContext,
  operate: () => T,
  tell?: (context: OperationContext, value: T) => void,
): T {
  return isWatched(channel) ? watched(channel, contextOf(), operate, tell) : operate();
}

function watched<T>(
  channel: OperationChannel,
  context: OperationContext,
  operate: () => T,
  tell: ((context: OperationContext, value: T) => void) | undefined,
): T {
  let outcome: { value: T } | undefined;
  channel.traceSync(() => {
    try {
      const value = operate();
      // Not the channel's `result`: rows are the caller's and nobody else's.
      outcome = { value };
      tell?.(context, value);
    } catch (error) {
      tellError(context, error);
      throw error;
    }
  }, context);
  return (outcome as { value: T }).value;
}
