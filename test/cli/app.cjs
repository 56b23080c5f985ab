// The app of the command's tests, as a module of a user's project: its tasks, and where its jobs are.

"use strict";

const { App, MahoutConnector } = require("../../src/queue/index.ts");

const connector = new MahoutConnector(process.env.TEST_CONNINFO, {
  schema: process.env.TEST_SCHEMA,
});
const app = new App({ connector });
app.task({ name: "add" }, ({ a, b }) => a + b);
app.task({ name: "fail" }, () => {
  throw new Error("as asked");
});
app.task({ name: "wait" }, (_, { signal }) => {
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
});

app.task({ name: "circle" }, () => {
  const circle = {};
  circle.itself = circle;
  return circle;
});

// Another app with the same tasks, whose workers have defaults of their own.
const withDefaults = new App(
  {
    connector,
    workerDefaults: {
      wait: false,
      listenNotify: false,
      onEvent: ({ kind }) => process.stderr.write(`app heard ${kind}\n`),
    },
  },
  app,
);

module.exports = { app, withDefaults, notAnApp: 5 };
