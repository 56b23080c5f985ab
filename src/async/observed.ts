/**
 * Tells the tracing channels of an operation that is awaited.
 *
 * What an operation is, and what is told of it, is said in core/channels.ts.
 */
import type { OperationChannel, OperationContext } from "../core/channels.ts";
import { isWatched, tellError } from "../core/channels.ts";
import { recapture } from "../core/recapture.ts";

/**
 * Does `operate` and tells of it where anybody listens: the context is only made then.
 *
 * @param tell adds to the context what the operation gave.
 */
export function observed<T>(
  channel: OperationChannel,
  contextOf: () => OperationContext,
  operate: () => Promise<T>,
  tell?: (context: OperationContext, value: T) => void,
): Promise<T> {
  return isWatched(channel) ? watched(channel, contextOf(), operate, tell) : operate();
}

async function watched<T>(
  channel: OperationChannel,
  context: OperationContext,
  operate: () => Promise<T>,
  tell: ((context: OperationContext, value: T) => void) | undefined,
): Promise<T> {
  let outcome: { value: T } | undefined;
  await channel.tracePromise(async () => {
    try {
      const value = await operate();
      // Not the channel's `result`: rows are the caller's and nobody else's.
      outcome = { value };
      tell?.(context, value);
    } catch (error) {
      tellError(context, error);
      // Whoever is told sees the program's call, as the one who called will.
      throw recapture(error);
    }
  }, context);
  return (outcome as { value: T }).value;
}
