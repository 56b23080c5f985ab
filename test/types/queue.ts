// A contract that the compiler checks: payloads and results of tasks, from their functions to those who defer. Nothing here is run.

import type { App, ConfiguredTask, JobContext } from "../../src/queue/index.ts";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless `value` has exactly the type `Expected`. */
function has<Expected>() {
  return <Value>(
    value: Value,
    ..._same: Same<Value, Expected> extends true ? [] : [never]
  ): Value => value;
}

interface Mail {
  readonly to: string;
  readonly subject?: string;
}

export async function payloads(app: App): Promise<void> {
  const send = app.task({ name: "send" }, async ({ to }: Mail) => to.length);
  await has<Promise<number>>()(send({ to: "a" }));
  has<number>()(await send.defer({ to: "a" }));
  has<number>()(send.deferSync({ to: "a", subject: "b" }));
  has<number[]>()(await send.batchDefer([{ to: "a" }]));
  // @ts-expect-error: it needs a payload
  await send.defer();
  // @ts-expect-error: of the right type
  await send.defer({ to: 1 });
  // @ts-expect-error: and of no other
  await send.defer({ to: "a", from: "b" });
  // @ts-expect-error: also in batches
  send.batchDeferSync([{ subject: "a" }]);

  const configured = send.configure({ lock: "a", payload: { to: "a" } });
  await configured.defer({});
  await configured.defer({ subject: "b" });
  await configured.defer();
  // @ts-expect-error: configured payloads are checked, too
  send.configure({ payload: { to: 1 } });
  // @ts-expect-error: what isn't configured has to be given
  await send.configure({ payload: { subject: "a" } }).defer({});
  has<ConfiguredTask<Mail>>()(send.configure({ lock: "a" }));
}

export async function contexts(app: App): Promise<void> {
  const first = app.task({ name: "first", passContext: true }, (context, payload: Mail) => {
    has<JobContext>()(context);
    return payload.to;
  });
  await first.defer({ to: "a" });
  const last = app.task({ name: "last" }, (payload: Mail, context) => {
    has<JobContext>()(context);
    return payload.to;
  });
  has<string>()(last({ to: "a" }));
  const none = app.task({ name: "none" }, () => 1);
  await none.defer();
  has<number>()(none({}));
}

export async function elsewhere(app: App): Promise<void> {
  await app.configureTask("a").defer({ anything: 1 });
  await app.configureTask<Mail>("b").defer({ to: "a" });
  // @ts-expect-error: with its type said, it is checked
  await app.configureTask<Mail>("b").defer({});
  const send = app.task({ name: "send" }, ({ to }: Mail) => to);
  // @ts-expect-error: a task brings its type along
  await app.configureTask(send).defer({});
}

export function schedules(app: App): void {
  const tick = app.task({ name: "tick" }, ({ timestamp }: { timestamp: number }) => timestamp);
  has<typeof tick>()(app.periodic({ cron: "* * * * *" }, tick));
  const any = app.task({ name: "any" }, () => 0);
  app.periodic({ cron: "* * * * *" }, any);
}
