// Cancelling at random moments, some hundred times. Ten thousand races are in cancel-races.slow.test.ts.

import { testCancelRaces } from "./cancel-races.ts";

testCancelRaces({
  races: { disable: { async: 400, blocking: 100 }, require: { async: 100, blocking: 25 } },
  patience: 120_000,
});
