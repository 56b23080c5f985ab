"use strict";

// Lets plain Node require the TypeScript files of the test harness: requiring this file teaches
// `require` the extension .ts. Only for scripts and tests of this checkout; the package itself is
// built by the compiler.

const fs = require("node:fs");
const swc = require("@swc/core");

require.extensions[".ts"] = (module, filename) => {
  const { code } = swc.transformSync(fs.readFileSync(filename, "utf8"), {
    filename,
    swcrc: false,
    sourceMaps: "inline",
    // What is imported at run time may be an ES module.
    module: { type: "commonjs", ignoreDynamic: true },
    jsc: {
      target: "es2022",
      parser: { syntax: "typescript", explicitResourceManagement: true },
    },
  });
  module._compile(code, filename);
};
