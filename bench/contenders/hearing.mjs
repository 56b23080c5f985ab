// Hearing very many notifications while the same connection makes queries, for the asynchronous drivers.

import { Hearing, LISTEN, notifySql, UNLISTEN } from "../hearing.mjs";
import { Measured } from "../measured.mjs";

/**
 * The methods, on what a driver offers: `open()` resolves with `ask(k)`, a query on the connection that
 * listens; `run(sql)` on it; `send(sql)` on another connection; `on(handler)` and `off(handler)`;
 * `notifies(n)`, a loop, where there is one; `close()`.
 */
export function hearing(open) {
  let driver;
  const byEvent = async (n, method, begin) => {
    const heard = new Hearing(n, driver.ask);
    await driver.on(heard[method]);
    const [value] = await Promise.all([heard.result(), begin()]);
    await driver.off(heard[method]);
    await driver.run(UNLISTEN);
    return method === "hear" ? value : new Measured(value, heard.ages);
  };
  const busy = (n) => byEvent(n, "hearAndDate", () => driver.send(notifySql(n)));
  const byLoop = async (n) => {
    const heard = new Hearing(n, driver.ask);
    const sent = driver.send(notifySql(n));
    for await (const notify of driver.notifies(n)) heard.hearAndDate(notify);
    const [value] = await Promise.all([heard.result(), sent]);
    await driver.run(UNLISTEN);
    return new Measured(value, heard.ages);
  };
  return {
    async ready(method, n) {
      if (!method.startsWith("hear")) return;
      driver ??= await open();
      await driver.run(LISTEN);
      if (method !== "hearBurst") return;
      // In a transaction it is sent none, so they wait.
      await driver.run("begin");
      await driver.send(notifySql(n, n));
    },
    hearBurst: (n) => byEvent(n, "hear", () => driver.run("commit")),
    hearBusy: busy,
    hearBusyLoop: (n) => (driver.notifies ? byLoop : busy)(n),
    close: () => driver?.close(),
  };
}
