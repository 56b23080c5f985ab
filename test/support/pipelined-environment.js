"use strict";

// The environment of test files that play others with the pipeline on: once all tests are known, it lets
// the file itself say which of them are left out, or expected to fail.

const { TestEnvironment } = require("jest-environment-node");

module.exports = class PipelinedEnvironment extends TestEnvironment {
  /** @param {{ name: string }} event @param {{ rootDescribeBlock: object }} state */
  handleTestEvent(event, state) {
    if (event.name === "run_start") this.global.onTestsKnown?.(state.rootDescribeBlock);
  }
};
