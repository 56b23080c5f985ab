// Before all tests: starts the shared server. A failure is kept for the tests that ask for that
// server; those that need none still run.

import { DEFAULT_SERVER_VARIABLE } from "./default-server.ts";
import { startServer, type TestServer } from "./server.ts";

declare global {
  var mahoutDefaultServer: TestServer | undefined;
}

export default async function globalSetup(): Promise<void> {
  try {
    const server = await startServer();
    globalThis.mahoutDefaultServer = server;
    process.env[DEFAULT_SERVER_VARIABLE] = JSON.stringify(server.coordinates);
  } catch (error) {
    process.env[DEFAULT_SERVER_VARIABLE] = JSON.stringify({ failure: String(error) });
  }
}
