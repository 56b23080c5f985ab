// Faults at every byte, several at each, of the answers to statements, and at every seventh while connecting.
// A few of them are in faults-bytes.test.ts.

import { testFaultsAtBytes } from "./faults-bytes.ts";

testFaultsAtBytes({
  step: { connect: 7, corrupt: 1, split: 1 },
  masks: [0xff, 0x01, 0x80, 0x20],
  patience: 3_600_000,
});
