// The one server that all tests share which need nothing special. The run's global setup starts it
// and its coordinates travel to the jest workers in an environment variable.

import { type Coordinates, ServerAddress } from "./address.ts";

/** The environment variable with the coordinates, as JSON. */
export const DEFAULT_SERVER_VARIABLE = "MAHOUT_TEST_SERVER";

/**
 * The shared server. Tests make their own databases, roles or schemas in it and leave its settings
 * alone. Throws when the run could not start it.
 */
export function defaultServer(): ServerAddress {
  const exported = process.env[DEFAULT_SERVER_VARIABLE];
  if (exported === undefined) {
    throw new Error('the shared test server is not running; start the tests with "npm test"');
  }
  const coordinates = JSON.parse(exported) as Coordinates | { failure: string };
  if ("failure" in coordinates) {
    throw new Error(`the shared test server did not start: ${coordinates.failure}`);
  }
  return new ServerAddress(coordinates);
}
