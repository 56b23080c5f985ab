// Says of which type an expression is, to the compiler.

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

type Exact<Value, Expected> = Same<Value, Expected> extends true ? [] : [never];

/** Fails to compile unless `value` has exactly the type `Expected`. */
export function has<Expected>(): <Value>(value: Value, ..._same: Exact<Value, Expected>) => Value {
  return <Value>(value: Value, ..._same: Exact<Value, Expected>): Value => value;
}
