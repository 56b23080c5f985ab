// After all tests: stops the shared server that global-setup.ts started.

export default async function globalTeardown(): Promise<void> {
  await globalThis.mahoutDefaultServer?.stop();
}
