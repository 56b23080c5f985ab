// Connections that end, for all reasons, a hundred of each: idle ones notice within 50 ms where the system
// knows, and within their limits where it does not. A few of them are in disconnections.test.ts.

import { testDisconnections } from "./disconnections.ts";

testDisconnections({ rounds: 20, atOnce: 50, slack: 50 });
