// mahout in a process whose young generation is larger than Node.js 20 makes it (stage.mjs says by how much), where
// that can make a difference: many rows that are alive at once.

import { create as createMahout } from "./mahout.mjs";

/** Makes the contender. */
export async function create(target) {
  const { version, connect, close, rowsToObjects, rowsToArrays } = await createMahout(target);
  return { name: "mahout-roomy", version, connect, close, rowsToObjects, rowsToArrays };
}
