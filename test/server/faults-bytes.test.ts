// Faults at single bytes: every so manyth. All of them are taken in faults-bytes.slow.test.ts.

import { testFaultsAtBytes } from "./faults-bytes.ts";

testFaultsAtBytes({
  step: { connect: 211, corrupt: 17, split: 1 },
  masks: [0xff],
  patience: 120_000,
});
