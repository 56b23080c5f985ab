// Connections that end, for all reasons, a few of each: that they notice at all. How fast that is, is measured in
// disconnections.slow.test.ts.

import { testDisconnections } from "./disconnections.ts";

testDisconnections({ rounds: 2, atOnce: 8_000, slack: 8_000 });
