// Several callers on one connection, doing whatever they like. A longer run is in model.slow.test.ts.

import { testCourses } from "./model.ts";

testCourses(60);
