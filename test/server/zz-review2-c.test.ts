import { describe, expect, test, afterAll } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { expectUsable, failureOf, shells, administer, terminate, eventually } from "../support/shells.ts";

const [asyncShell, blockingShell] = shells as any;
const within = (p: Promise<any>, ms: number) => Promise.race([p.then((v) => ["ok", v], (e) => ["err", e.name + ": " + e.message]), sleep(ms, ["HANG"])]);

describe("async", () => {
  const { connect } = asyncShell;
  test("two rows() lose rows", async () => {
    await using conn = await connect();
    for (const format of ["text", "binary"]) {
      const seen: number[] = [];
      await conn.cursor().copy(`copy (select i, repeat('x',500), pg_sleep(0.0003) is null from generate_series(1,2000) i) to stdout (format ${format})`, async (c: any) => {
        const worker = async () => { for await (const [i] of c.rows()) { seen.push(i); await sleep(i % 20 ? 0 : 2); } };
        await Promise.all([worker(), worker(), worker()]);
      });
      console.log("three rows()", format, seen.length, new Set(seen).size);
    }
  });
  test("fuzz", async () => {
    let seed = 12345; const rnd = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    const conn = await connect();
    await conn.execute("create temp table t (i int, s text)");
    const tally: any = {};
    const bad: any[] = [];
    const end = Date.now() + 45_000;
    let n = 0;
    while (Date.now() < end && !conn.closed && n < 1500) {
      n++;
      const kind = ["out", "in", "stream", "disp-out", "disp-in"][Math.floor(rnd() * 5)] as string;
      const fmt = rnd() < 0.5 ? "text" : "binary";
      const rows = Math.floor(rnd() * rnd() * 20000);
      const stopAt = rnd() < 0.5 ? Math.floor(rnd() * rows) : -1;
      const how = ["break", "throw"][Math.floor(rnd() * 2)];
      const limit = rnd() < 0.4 ? Math.floor(rnd() * 20) : undefined;
      const pauseAt = rnd() < 0.5 ? Math.floor(rnd() * rows) : -1;
      const err = rnd() < 0.2;
      const useSignal = rnd() < 0.5;
      const ac = new AbortController();
      const timer = limit !== undefined && useSignal ? setTimeout(() => ac.abort(), limit) : undefined;
      const opts: any = limit === undefined ? {} : useSignal ? { signal: ac.signal } : { timeout: limit };
      const desc = JSON.stringify({ n, kind, fmt, rows, stopAt, how, limit, pauseAt, err, useSignal });
      let got = 0;
      const others: Promise<any>[] = [];
      const step = async (i: number) => { if (i === pauseAt) await sleep(Math.floor(rnd() * 25)); if (i === stopAt && how === "throw") throw new Error("mine"); };
      const sel = `select i, repeat('x', 1+i%300) s ${err ? ", 1/(i-" + Math.floor(rows / 2) + ") z" : ""} from generate_series(1,${rows}) i`;
      const run = async () => {
        const cur = conn.cursor();
        if (kind === "out") {
          await cur.copy(`copy (${sel}) to stdout (format ${fmt})`, [], opts, async (c: any) => {
            for await (const [i] of c.rows()) { got++; if (i !== got) throw new Error("ORDER"); await step(got); if (got === stopAt) break; }
          });
        } else if (kind === "disp-out") {
          await using c = await cur.copy(`copy (${sel}) to stdout (format ${fmt})`, [], opts);
          for (;;) { const r = await c.readRow(); if (!r) break; got++; if (r[0] !== got) throw new Error("ORDER"); await step(got); if (got === stopAt) break; }
        } else if (kind === "stream") {
          for await (const r of cur.stream(sel, [], opts)) { got++; if ((r as any).i !== got) throw new Error("ORDER"); await step(got); if (got === stopAt) break; }
        } else {
          const body = async (c: any) => {
            for (let i = 1; i <= rows; i++) { await c.writeRow([err && i === rows >> 1 ? (fmt === "text" ? "zz" : i) : i, "y".repeat(1 + (i % 300))]); got++; await step(i); if (i === stopAt) break; }
            if (kind === "disp-in") await c.finish();
          };
          if (kind === "in") await cur.copy(`copy t from stdin (format ${fmt})`, [], opts, body);
          else { await using c = await cur.copy(`copy t from stdin (format ${fmt})`, [], opts); await body(c); }
        }
      };
      const p = run();
      for (let k = 0; k < 3; k++) others.push(conn.query("select $1::int as k", [n * 10 + k]));
      const r: any = await within(p, 15000);
      clearTimeout(timer);
      const key = kind + " " + (r[0] === "ok" ? "ok" : r[0] + " " + String(r[1]).replace(/\d+/g, "#").slice(0, 90));
      tally[key] = (tally[key] ?? 0) + 1;
      if (r[0] === "HANG") { bad.push("HANG " + desc); break; }
      if (String(r[1]).includes("ORDER")) bad.push("ORDER " + desc);
      const os: any = await within(Promise.all(others), 8000);
      if (os[0] !== "ok" || os[1].some((x: any, k: number) => x[0].k !== n * 10 + k)) { bad.push("OTHERS " + JSON.stringify(os) + desc); if (os[0] === "HANG") break; }
      if (kind.endsWith("in")) {
        const c = (await conn.query("select count(*)::int c, count(distinct i)::int d from t"))[0];
        const want = r[0] === "ok" ? got : 0;
        if (c.c !== want || c.d !== want) bad.push(`COUNT ${JSON.stringify(c)} want ${want} ${JSON.stringify(r)} ${desc}`);
        await conn.execute("truncate t");
      } else if (r[0] === "ok") {
        const want = stopAt > 0 ? stopAt : rows;
        if (got !== want && !err) bad.push(`GOT ${got} want ${want} ${desc}`);
      }
    }
    console.log("iterations", n, JSON.stringify(tally, null, 1), "\nBAD", bad.slice(0, 15).join("\n"), "closed", conn.closed);
    await conn.close();
  }, 90_000);
  test("notifies odd", async () => {
    await using conn = await connect();
    await conn.execute("listen zz");
    const g = conn.notifies({ stopAfter: 2, timeout: 3000 });
    const ps = [g.next(), g.next(), g.next(), g.next()];
    await conn.execute("select pg_notify('zz', i::text) from generate_series(1,5) i");
    console.log(JSON.stringify((await Promise.all(ps)).map((s: any) => [s.done, s.value?.payload])));
    const rest = []; for await (const x of conn.notifies(0)) rest.push(x.payload);
    console.log(JSON.stringify(rest));
    // notifications during stream with pause
    let seen: string[] = [];
    for await (const r of conn.cursor().stream("select i, pg_notify('zz', i::text), repeat('x',1000) from generate_series(1,3000) i")) void r;
    for await (const x of conn.notifies(100)) seen.push(x.payload);
    console.log("after stream", seen.length, conn.info.transactionStatus);
  });
});
