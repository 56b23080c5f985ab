// What each request can be answered with: tables of steps and messages. Every surprise ends the session,
// at the very message that is one.

import { describe, expect, test } from "@jest/globals";
import { ProtocolError } from "../../src/errors.ts";
import { ExtendedReply } from "../../src/protocol/extended-reply.ts";
import { QueryReply, type Reply, SyncReply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import * as backend from "../support/backend-messages.ts";

/** Messages by the letters of their types; small variants have names of their own. */
const messages: Readonly<Record<string, Buffer>> = {
  R: backend.authenticationOk(),
  K: backend.backendKeyData(1, Buffer.alloc(4)),
  1: backend.parseComplete(),
  2: backend.bindComplete(),
  3: backend.closeComplete(),
  C: backend.commandComplete("SELECT 1"),
  W: backend.copyBothResponse(0),
  d: backend.copyData("1\t2\n"),
  c: backend.copyDone(),
  G: backend.copyInResponse(0),
  H: backend.copyOutResponse(0),
  D: backend.dataRow("1", null),
  "D/1": backend.dataRow("1"),
  I: backend.emptyQueryResponse(),
  E: backend.errorResponse({ C: "23505" }),
  V: backend.functionCallResponse("1"),
  v: backend.negotiateProtocolVersion(0x30000),
  n: backend.noData(),
  t: backend.parameterDescription(25, 23),
  s: backend.portalSuspended(),
  Z: backend.readyForQuery(),
  T: backend.rowDescription("a", "b"),
  N: backend.noticeResponse(),
  A: backend.notificationResponse(1, "c", "p"),
  S: backend.parameterStatus("TimeZone", "UTC"),
};
/** What may come at any time and belongs to no reply. */
const ASIDE = "NAS";
const LETTERS = Object.keys(messages).filter((name) => !ASIDE.includes(name));

/** Where it ended: "settled" or "refused" by the message of that number, or "waiting" for more. */
type Outcome = `settled ${number}` | `refused ${number}` | "waiting";

function play(reply: Reply, sequence: string): [Outcome, Session] {
  const session = new Session();
  session.owe(reply);
  let resumed = 0;
  reply.waiter = { resume: () => resumed++ };
  const names = sequence.split(" ").filter(Boolean);
  for (const [index, name] of names.entries()) {
    const bytes = messages[name] as Buffer;
    session.receive(bytes, 0, bytes.length);
    expect(resumed).toBe(Number(reply.settled));
    expect(session.owedCount).toBe(Number(!reply.settled));
    if (session.ended) {
      expect(reply.failure).toBeInstanceOf(ProtocolError);
      return [`refused ${index + 1}`, session];
    }
    if (reply.settled) return [`settled ${index + 1}`, session];
  }
  return ["waiting", session];
}

describe("a simple query", () => {
  test.each<[sequence: string, outcome: Outcome, tags: number]>([
    ["C Z", "settled 2", 1],
    ["I Z", "settled 2", 1],
    ["T C Z", "settled 3", 1],
    ["T D D D C Z", "settled 6", 1],
    ["T D C C I T C Z", "settled 8", 4],
    ["E Z", "settled 2", 0],
    ["T E Z", "settled 3", 0],
    ["T D E Z", "settled 4", 0],
    ["T D C E Z", "settled 5", 1],
    ["N T A D S C N Z", "settled 8", 1],
    ["H d d c C Z", "settled 6", 1],
    ["G E Z", "settled 3", 0],
    ["C H c C Z", "settled 5", 2],
    ["H d E Z", "settled 4", 0],

    ["", "waiting", 0],
    ["T D C", "waiting", 1],
    ["E", "waiting", 0],

    ["Z", "refused 1", 0],
    ["T Z", "refused 2", 0],
    ["T D Z", "refused 3", 0],
    ["C T Z", "refused 3", 1],
    ["D", "refused 1", 0],
    ["C D", "refused 2", 1],
    ["E D", "refused 2", 0],
    ["E T", "refused 2", 0],
    ["E C", "refused 2", 0],
    ["E I", "refused 2", 0],
    ["E E", "refused 2", 0],
    ["E G", "refused 2", 0],
    ["T T", "refused 2", 0],
    ["T I", "refused 2", 0],
    ["T G", "refused 2", 0],
    ["T H", "refused 2", 0],
    ["T D/1", "refused 2", 0],
    ["d", "refused 1", 0],
    ["c", "refused 1", 0],
  ])("answered by %p is %s", (sequence, outcome, tags) => {
    const reply = new QueryReply();
    const [end] = play(reply, sequence);
    expect([end, reply.results.length]).toEqual([outcome, tags]);
    expect(reply.error !== null).toBe(sequence.includes("E"));
  });

  test("is never answered by anything of the extended protocol or of the start", () => {
    for (const before of ["", "T ", "T D ", "C ", "E "]) {
      const at = before.split(" ").length;
      for (const letter of "RK123WVvnts") {
        const [end] = play(new QueryReply(), before + letter);
        expect([before + letter, end]).toEqual([before + letter, `refused ${at}`]);
      }
    }
  });

  test("collects results as they come", () => {
    const reply = new QueryReply();
    play(reply, "T D D C C I Z");
    const results = reply.results.map(({ tag, rowCount, columns }) => [
      tag,
      rowCount,
      columns?.length,
    ]);
    expect(results).toEqual([
      ["SELECT 1", 2, 2],
      ["SELECT 1", 0, undefined],
      ["", 0, undefined],
    ]);
  });

  test("that is a COPY is refused its data, and says so", () => {
    const reply = new QueryReply();
    const [, session] = play(reply, "G E Z");
    const { outbox } = session;
    expect([reply.copyAttempted, outbox.bytes.toString("latin1", 0, 1)]).toEqual([true, "f"]);
    expect(outbox.bytes.readInt32BE(1) + 1).toBe(outbox.length);
  });
});

/** At each step of an extended query: what may come. Rows only when columns are known. */
const allowed: Readonly<Record<string, string>> = {
  1: "1",
  2: "2",
  3: "3",
  t: "t",
  "t after t": "T n",
  d: "T n",
  "x with columns": "D C",
  "x without columns": "C I G H",
  "x after G": "C I G H d c",
  z: "Z",
};

/** A way through a series of steps, and the state that each message leads to. */
const ways: readonly [
  steps: string,
  way: readonly (readonly [state: string, message: string])[],
][] = [
  [
    "1t",
    [
      ["1", "1"],
      ["t", "t"],
      ["t after t", "T"],
    ],
  ],
  [
    "1t",
    [
      ["1", "1"],
      ["t", "t"],
      ["t after t", "n"],
    ],
  ],
  [
    "12dxz",
    [
      ["1", "1"],
      ["2", "2"],
      ["d", "T"],
      ["x with columns", "D"],
      ["x with columns", "C"],
      ["z", "Z"],
    ],
  ],
  [
    "12dxz",
    [
      ["1", "1"],
      ["2", "2"],
      ["d", "n"],
      ["x without columns", "C"],
      ["z", "Z"],
    ],
  ],
  [
    "12dxz",
    [
      ["1", "1"],
      ["2", "2"],
      ["d", "n"],
      ["x without columns", "I"],
      ["z", "Z"],
    ],
  ],
  [
    "12dxz",
    [
      ["1", "1"],
      ["2", "2"],
      ["d", "n"],
      ["x without columns", "H"],
      ["x after G", "d"],
      ["x after G", "c"],
      ["x after G", "C"],
      ["z", "Z"],
    ],
  ],
  [
    "2xz",
    [
      ["2", "2"],
      ["x without columns", "C"],
      ["z", "Z"],
    ],
  ],
  [
    "12dx33z",
    [
      ["1", "1"],
      ["2", "2"],
      ["d", "T"],
      ["x with columns", "C"],
      ["3", "3"],
      ["3", "3"],
      ["z", "Z"],
    ],
  ],
  [
    "3z",
    [
      ["3", "3"],
      ["z", "Z"],
    ],
  ],
];

describe.each(ways)("an extended query of the steps %s", (steps, way) => {
  const path = way.map(([, message]) => message);

  test("is settled by its last message and by no other", () => {
    for (let length = 0; length <= path.length; length++) {
      const [end] = play(new ExtendedReply(steps), path.slice(0, length).join(" "));
      expect(end).toBe(length === path.length ? `settled ${length}` : "waiting");
    }
  });

  test("is not disturbed by what may come at any time", () => {
    const all = path.flatMap((message) => ["N", "A", "S", message]).join(" ");
    expect(play(new ExtendedReply(steps), all)[0]).toBe(`settled ${path.length * 4}`);
  });

  test("refuses at each step everything but what belongs there", () => {
    for (const [index, [state]] of way.entries()) {
      const before = path.slice(0, index);
      const expected = (allowed[state] as string).split(" ");
      const taken = LETTERS.filter((letter) => {
        const [end] = play(new ExtendedReply(steps), [...before, letter].join(" "));
        expect([before, letter, end]).toEqual([
          before,
          letter,
          expect.stringMatching(new RegExp(`^waiting$|^(settled|refused) ${index + 1}$`)),
        ]);
        return !end.startsWith("refused");
      });
      expect([before, taken.sort()]).toEqual([before, [...expected, "E"].sort()]);
    }
  });

  test("skips to its Sync after an error at each step, and takes nothing else on the way", () => {
    for (let index = 0; index < path.length; index++) {
      const before = path.slice(0, index).join(" ");
      const reply = new ExtendedReply(steps);
      const [end] = play(reply, `${before} E Z`);
      expect(reply.error?.sqlstate).toBe("23505");
      if (!steps.endsWith("z")) {
        expect(end).toBe(`settled ${index + 1}`);
        continue;
      }
      expect(end).toBe(`settled ${index + 2}`);
      for (const letter of LETTERS.filter((one) => one !== "Z")) {
        const [after] = play(new ExtendedReply(steps), `${before} E ${letter}`);
        expect([before, letter, after]).toEqual([before, letter, `refused ${index + 2}`]);
      }
    }
  });
});

describe("an extended query", () => {
  test("whose columns are known takes rows of those columns without a description", () => {
    const columns = new ExtendedReply("1t");
    play(columns, "1 t T");
    expect(play(new ExtendedReply("2xz", columns.columns), "2 D D C Z")[0]).toBe("settled 5");
    expect(play(new ExtendedReply("2xz", columns.columns), "2 D/1")[0]).toBe("refused 2");
    expect(play(new ExtendedReply("2xz", columns.columns), "2 T")[0]).toBe("refused 2");
    expect(play(new ExtendedReply("2xz"), "2 D")[0]).toBe("refused 2");
  });

  test("keeps what was described", () => {
    const reply = new ExtendedReply("1t");
    play(reply, "1 t T");
    expect([reply.parsed, reply.parameterOids, reply.columns?.length]).toEqual([true, [25, 23], 2]);
    const bare = new ExtendedReply("1t");
    play(bare, "1 t n");
    expect([bare.parsed, bare.columns]).toEqual([true, null]);
  });

  test("tells whether Parse succeeded when something later failed", () => {
    for (const [sequence, parsed] of [
      ["E Z", false],
      ["1 E Z", true],
    ] as const) {
      const reply = new ExtendedReply("12dxz");
      play(reply, sequence);
      expect([sequence, reply.parsed]).toEqual([sequence, parsed]);
    }
  });

  test("gives no rows of a statement that failed in their middle", () => {
    const reply = new ExtendedReply("12dxz");
    expect(play(reply, "1 2 T D D E Z")[0]).toBe("settled 7");
    expect(reply.results).toEqual([]);
  });

  test("that is a COPY is refused its data, with a Sync of its own", () => {
    const reply = new ExtendedReply("2xz");
    const [end, { outbox }] = play(reply, "2 G E Z");
    expect([end, reply.copyAttempted]).toEqual(["settled 4", true]);
    expect(outbox.bytes.toString("latin1", 0, 1)).toBe("f");
    expect(outbox.bytes.toString("latin1", outbox.length - 5, outbox.length)).toBe("S\0\0\0\x04");
  });
});

test("a Sync alone is answered by ReadyForQuery, or by an error and that, and by nothing else", () => {
  expect(play(new SyncReply(), "N A S Z")[0]).toBe("settled 4");
  expect(play(new SyncReply(), "N E A S Z")[0]).toBe("settled 5");
  expect(play(new SyncReply(), "E E")[0]).toBe("refused 2");
  for (const letter of LETTERS.filter((one) => one !== "Z" && one !== "E")) {
    expect([letter, play(new SyncReply(), letter)[0]]).toEqual([letter, "refused 1"]);
  }
});
