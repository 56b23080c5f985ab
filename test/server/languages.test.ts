// A server whose messages are in another language (lc_messages) is understood all the same, in both shells:
// by its SQLSTATEs, its severities that are never translated, and the names of its functions. The servers of
// the tests have no message catalogs, so scripted ones say what a German server would.

import { describe, expect, test } from "@jest/globals";
import { errors, isRetryable } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { against, answer, expectBroken, greeting, greets } from "../support/hostile.ts";
import { awaits, closes, sends, type Script } from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

/** What a German server says of an error. */
const fehler = (fields: Record<string, string>): Buffer =>
  backend.errorResponse({ S: "FEHLER", ...fields });
const schwerwiegend = (fields: Record<string, string>): Buffer =>
  backend.fatalError({ S: "SCHWERWIEGEND", ...fields });

const TEXT = "select $1::int4 as value";
const described = sends(
  backend.parseComplete(),
  backend.parameterDescription(23),
  backend.rowDescription("value"),
);
const given = (value: string): Script => [
  sends(
    backend.bindComplete(),
    backend.dataRow(value),
    backend.commandComplete("SELECT 1"),
    backend.readyForQuery(),
  ),
];
/** A statement that nothing is known of, answered. */
const first = (value: string): Script => [
  awaits("P", "D", "H"),
  described,
  awaits("B", "E", "S"),
  ...given(value),
];
/** The same once it is known: the server refuses what was known. */
const second = (error: Buffer, ...before: readonly Buffer[]): Script => [
  awaits("P", "B", "D", "E", "S"),
  sends(...before, error, backend.readyForQuery()),
];

describe.each(shells)("$name: a server that speaks German", ({ Connection }) => {
  test.each([
    ["28P01", "InvalidPassword", "Passwort-Authentifizierung fehlgeschlagen"],
    ["3D000", "InvalidCatalogName", "Datenbank »app« existiert nicht"],
    ["57P03", "CannotConnectNow", "das Datenbanksystem startet"],
    ["53300", "TooManyConnections", "tut mir leid, schon zu viele Verbindungen"],
  ])("refuses with %s", async (C, name, M) => {
    const script = [awaits("startup"), sends(schwerwiegend({ C, M })), closes()];
    await against([script], async (server) => {
      const error = await failureOf(async () => await Connection.connect(server.conninfo()));
      expect(error).toMatchObject({ name, sqlstate: C, message: M });
      expect(error.diag).toMatchObject({
        severity: "SCHWERWIEGEND",
        severityNonlocalized: "FATAL",
      });
      expect(isRetryable(error)).toBe(["57P03", "53300"].includes(C));
    });
  });

  test("starts up: the next host is tried", async () => {
    const busy = [
      awaits("startup"),
      sends(schwerwiegend({ C: "57P03", M: "das Datenbanksystem startet" })),
      closes(),
    ];
    await against([busy, greets()], async (server) => {
      const { host, port } = server.conninfo();
      const both = { host: `${host},${host}`, port: `${port},${port}` };
      await (await Connection.connect(server.conninfo(both))).close();
    });
    await against([busy], async (server) => {
      expect(await Connection.ping(server.conninfo())).toBe("rejects");
    });
  });

  test("fails: the class is that of the SQLSTATE, and the connection goes on", async () => {
    const unique = fehler({ C: "23505", M: "doppelter Schlüsselwert", n: "leute_pkey" });
    const script = [
      ...greets(),
      awaits("Q"),
      sends(unique, backend.readyForQuery()),
      awaits("Q"),
      sends(answer("weiter")),
    ];
    await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await failureOf(async () => await conn.query("insert"));
      expect(error).toBeInstanceOf(errors.UniqueViolation);
      expect(error.message).toBe("doppelter Schlüsselwert");
      expect(String(error.diag)).toBe("FEHLER: doppelter Schlüsselwert");
      expect(error.diag.constraintName).toBe("leute_pkey");
      expect(await conn.query("select 1")).toEqual([{ value: "weiter" }]);
      await conn.close();
    });
  });

  test("ends the session, or panics: the connection is over", async () => {
    for (const [S, V] of [
      ["SCHWERWIEGEND", "FATAL"],
      ["PANIK", "PANIC"],
    ] as const) {
      const last = backend.fatalError({ S, V, C: "57P01", M: "Verbindung wird beendet" });
      await against([[...greets(), awaits("Q"), sends(last)]], async (server) => {
        const conn = await Connection.connect(server.conninfo());
        const error = await failureOf(async () => await conn.query("select 1"));
        expect(error).toBeInstanceOf(errors.AdminShutdown);
        await expectBroken(conn);
      });
    }
  });

  test("warns", async () => {
    const notice = backend.noticeResponse({ S: "WARNUNG", V: "WARNING", M: "Vorsicht" });
    await against([[awaits("startup"), sends(notice, greeting())]], async (server) => {
      const heard: unknown[] = [];
      const noticeHandlers = [(diag: object): void => void heard.push(diag)];
      await (await Connection.connect(server.conninfo(), { noticeHandlers })).close();
      expect(heard).toMatchObject([{ severity: "WARNUNG", severityNonlocalized: "WARNING" }]);
    });
  });

  // Each of these is answered by asking anew and running the statement again.
  test.each<readonly [string, Script]>([
    [
      "its result has changed",
      second(
        fehler({
          C: "0A000",
          M: "gecachter Plan darf den Ergebnistyp nicht ändern",
          R: "RevalidateCachedQuery",
        }),
        backend.parseComplete(),
      ),
    ],
    [
      "its name is gone",
      second(fehler({ C: "26000", M: "vorbereitete Anweisung existiert nicht" })),
    ],
    [
      "it has other columns",
      second(
        fehler({
          C: "08P01",
          M: "Bind-Nachricht hat 1 Ergebnisformate, aber Anfrage hat 2 Spalten",
          R: "PortalSetResultFormat",
        }),
        backend.parseComplete(),
      ),
    ],
    ["its types have changed", second(fehler({ C: "42883", M: "Operator existiert nicht" }))],
    [
      "its parameter is of another type",
      second(
        fehler({
          C: "22P02",
          M: "ungültige Eingabesyntax für Typ integer: »x«",
          W: "Parameter $1 von unbenanntem Portal",
          R: "pg_strtoint32_safe",
        }),
        backend.parseComplete(),
      ),
    ],
  ])("refuses what was known of a statement: %s", async (_, refusal) => {
    const script = [...greets(), ...first("1"), ...refusal, ...first("2")];
    const [record] = await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      expect(await conn.query(TEXT, [1])).toEqual([{ value: "1" }]);
      expect(await conn.query(TEXT, [2])).toEqual([{ value: "2" }]);
      await conn.close();
    });
    expect(record?.messages.filter(({ type }) => type === "P")).toHaveLength(3);
  });

  test("refuses a value: that is told, and nothing is run again", async () => {
    const error = fehler({
      C: "22012",
      M: "Division durch Null",
      W: "PL/pgSQL-Funktion f() Zeile 1",
    });
    const script = [...greets(), ...first("1"), ...second(error, backend.parseComplete())];
    const [record] = await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      await conn.query(TEXT, [1]);
      const failure = await failureOf(async () => await conn.query(TEXT, [2]));
      expect(failure).toBeInstanceOf(errors.DivisionByZero);
      await conn.close();
    });
    expect(record?.messages.filter(({ type }) => type === "P")).toHaveLength(2);
  });
});
