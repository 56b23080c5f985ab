// The seed of tests with chance in them: new in every run, told when something fails, and taken from
// MAHOUT_TEST_SEED to play the same again. What is drawn with it is fast-check's business.

/** The environment variable with the seed. */
const SEED_VARIABLE = "MAHOUT_TEST_SEED";

/** The seed of this run. */
export const seed: number = Number(process.env[SEED_VARIABLE] ?? Date.now() % 2 ** 31);

/** Runs something that draws from the seed; its failure names the seed. */
export async function seeded(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`it failed with ${SEED_VARIABLE}=${seed}`, { cause: error });
  }
}
