/**
 * Objects that are made only to be there, so that the engine doesn't forget what it has learnt.
 *
 * V8 compiles code for the hidden classes of the objects that it has met, and a hidden class lives only as
 * long as an object has it, or two collections longer. Replies, parameters and blocks live for one statement: a
 * collection of everything that comes while none is under way takes their hidden classes with it, and with
 * them the compiled code of whatever touches such objects, which is nearly all of a driver. The next
 * thousand statements are interpreted, and take three times as long, whenever a program has been at rest.
 *
 * So of each class whose objects are many and live briefly one object is kept from the beginning. It has to
 * be made by the class's constructor, so that its hidden class is that of all others: what a constructor is
 * given instead of the real thing must be of the same kind (a number, text, an object).
 *
 * Classes above these have no `#private` members, but TypeScript's `private` ones: V8 doesn't look through a `super()`
 * that leads to such, and every level and every field is a call into the engine then; a reply took twice as long or
 * more to be made. It doesn't hold for a class that nobody extends, nor for what programs see, cursors for example:
 * there private is private.
 *
 * COPY, streams and executeMany last long enough to win their code back, so of theirs only that is kept which
 * goes the way of statements: replies, and places in the line.
 */

const kept: object[] = [];

/** Keeps an object for as long as the program runs, for the sake of its hidden class. */
export function keepShape(object: object): void {
  kept.push(object);
}

/** What is kept, to be looked at. @internal */
export function keptShapes(): readonly object[] {
  return kept;
}

/** Stands for whatever an object that is only kept would work on: it is never asked for anything. */
export const nobody = Object.freeze({}) as never;
