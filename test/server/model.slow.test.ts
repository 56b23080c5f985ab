// Several callers on one connection, doing whatever they like, for long. A shorter run is in model.test.ts.

import { testCourses } from "./model.ts";

testCourses(3_000);
