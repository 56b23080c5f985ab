// Cancelling at random moments, ten thousand times. A few races are in cancel-races.test.ts.

import { testCancelRaces } from "./cancel-races.ts";

testCancelRaces({
  races: {
    disable: { async: 10_000, blocking: 2_000 },
    require: { async: 5_000, blocking: 1_000 },
  },
  patience: 3_600_000,
});
