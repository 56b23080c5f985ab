"use strict";

// Tests run as CommonJS; swc strips the types, so the compiler's version does not matter here.
// Coverage comes from v8, because instrumented text could not be shipped to the worker thread.

const slow = process.env.MAHOUT_TEST_SLOW === "1";

/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  globalSetup: "<rootDir>/test/support/global-setup.ts",
  globalTeardown: "<rootDir>/test/support/global-teardown.ts",
  roots: ["<rootDir>/test"],
  testMatch: [slow ? "**/*.slow.test.ts" : "**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", ...(slow ? [] : ["\\.slow\\.test\\.ts$"])],
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/test/support/servers/"],
  transform: {
    "\\.m?ts$": [
      "@swc/jest",
      {
        swcrc: false,
        sourceMaps: "inline",
        module: { type: "commonjs" },
        jsc: {
          target: "es2022",
          parser: { syntax: "typescript", explicitResourceManagement: true },
          transform: { useDefineForClassFields: false },
        },
      },
    ],
  },
  moduleFileExtensions: ["ts", "mts", "js", "mjs", "cjs", "json", "node"],
  // For busy machines, and for the first run, which builds the servers' templates.
  testTimeout: 30_000,
  // Tests wait for servers more than they compute.
  maxWorkers: "100%",
  coverageProvider: "v8",
  collectCoverageFrom: ["src/**/*.ts"],
};
