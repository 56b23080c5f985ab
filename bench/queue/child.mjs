// One contender in a process of its own: enqueues and works as the parent says.

const [, , name, target] = process.argv;
const settings = JSON.parse(target);
const { create } = await import(`./contenders/${name}.mjs`);
const contender = await create(settings);
const pg = (await import("pg")).default;
const admin = new pg.Client(settings.conninfo);
await admin.connect();

const now = () => performance.now();
const left = async () => (await admin.query(contender.remaining)).rows[0].n;

async function untilEmpty() {
  while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 2));
}

const commands = {
  /** Milliseconds for storing `count` jobs in one call. */
  async bulk({ count }) {
    const began = now();
    await contender.enqueue(count);
    const took = now() - began;
    await admin.query("vacuum analyze").catch(() => {});
    return took;
  },

  /** Milliseconds from the worker's start until the storage says that all jobs are done. */
  async drain({ count }) {
    let done = 0;
    const all = new Promise((resolve) => {
      contender.handler = () => ++done === count && resolve();
    });
    const began = now();
    const stop = await contender.work(() => contender.handler());
    await all;
    await untilEmpty();
    const took = now() - began;
    await stop();
    return { took, done };
  },

  /** Milliseconds between storing a job and its handler being called, one at a time. */
  async latency({ count }) {
    let arrived;
    const stop = await contender.work(() => arrived?.(), { isBatching: false });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const waits = [];
    for (let i = 0; i < count; i++) {
      const coming = new Promise((resolve) => (arrived = resolve));
      const began = now();
      await Promise.all([contender.add({ i }), coming]);
      waits.push(now() - began);
    }
    await stop();
    return waits;
  },

  async close() {
    await contender.close();
    await admin.end();
  },
};

async function serve({ command, ...request }) {
  try {
    process.send({ answer: await commands[command](request) });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
  if (command === "close") process.disconnect();
}

process.on("message", (message) => void serve(message));
process.send({ answer: contender.name });
