// The accounts that the small transactions are about.

/** How many there are. */
export const ACCOUNTS = 100;

/** The account of the transaction at step i of a round. */
export const accountFor = (i) => (i % ACCOUNTS) + 1;

/** The sum of all accounts' numbers and of all balances that so many transactions see. */
export function transactionSum(size) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += accountFor(i) + i;
  return sum;
}
