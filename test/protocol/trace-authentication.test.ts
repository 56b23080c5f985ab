// The trace of a start, which never says what proves who somebody is.

import { describe, expect, test } from "@jest/globals";
import * as encode from "../../src/protocol/encode.ts";
import { Writer } from "../../src/protocol/writer.ts";
import * as backend from "../support/backend-messages.ts";
import { greeting, start } from "./start-by-hand.ts";
import { traced } from "./traced-lines.ts";

const SECRET = "hunter2";

describe("authentication", () => {
  const proofs: [name: string, request: Buffer, write: (out: Writer) => void, lines: string[]][] = [
    [
      "a password",
      backend.authenticationCleartextPassword(),
      (out) => encode.writePassword(out, SECRET),
      ["B\t8\tAuthenticationCleartextPassword", "F\tNNNN\tPasswordMessage"],
    ],
    [
      "a hashed password",
      backend.authenticationMd5Password(Buffer.from("salt")),
      (out) => encode.writePassword(out, `md5${SECRET}`),
      ["B\t12\tAuthenticationMD5Password", "F\tNNNN\tPasswordMessage"],
    ],
    [
      "the first words of SCRAM",
      backend.authenticationSasl("SCRAM-SHA-256"),
      (out) => encode.writeSaslInitial(out, "SCRAM-SHA-256", `n,,n=,r=${SECRET}`),
      [
        'B\t23\tAuthenticationSASL\t "SCRAM-SHA-256"',
        'F\tNNNN\tSASLInitialResponse\t "SCRAM-SHA-256"',
      ],
    ],
    [
      "its proof",
      backend.authenticationSaslContinue(`r=${SECRET}`),
      (out) => encode.writeSaslResponse(out, `c=biws,p=${SECRET}`),
      ["B\t17\tAuthenticationSASLContinue", "F\tNNNN\tSASLResponse"],
    ],
  ];
  test.each(proofs)("%s is never shown", (_name, request, write, lines) => {
    const found = traced({ values: true });
    found.tracer.received(request[0] as number, request, 5, request.length);
    const out = new Writer();
    write(out);
    found.tracer.sent(out.bytes, 0, out.length);
    expect(found.lines).toEqual(lines);
  });

  test("a proof in pieces is never shown either", () => {
    const { tracer, lines } = traced({ values: true });
    const out = new Writer();
    encode.writePassword(out, SECRET);
    encode.writeSync(out);
    for (let at = 0; at < out.length; at += 3) {
      tracer.sent(out.bytes, at, Math.min(at + 3, out.length));
    }
    expect(lines).toEqual(["F\tNNNN\tPasswordMessage", "F\t4\tSync"]);
  });

  test("a whole start shows neither password nor key, and hides what varies", () => {
    const by = start();
    const { tracer, lines } = traced({ regress: true }, true);
    const { session } = by;
    session.tracer = tracer;
    const send = (): void => tracer.sent(session.outbox.bytes, 0, session.outbox.length);
    send();
    by.sent();
    by.hear(backend.authenticationCleartextPassword());
    send();
    by.sent();
    by.hear(...greeting, backend.parameterStatus("TimeZone", "UTC"));
    expect(lines).toEqual([
      'F\t31\tStartupMessage\t 3.0 "user" "ada" "database" "app"',
      "B\t8\tAuthenticationCleartextPassword",
      "F\tNNNN\tPasswordMessage",
      "B\t8\tAuthenticationOk",
      'B\tNNNN\tParameterStatus\t "server_version" "SSSS"',
      "B\tNNNN\tBackendKeyData\t NNNN (key)",
      "B\t5\tReadyForQuery\t I",
      'B\t17\tParameterStatus\t "TimeZone" "UTC"',
    ]);
  });

  test("the answer to a request for encryption is a line", () => {
    const by = start({ encryption: "required" });
    const { tracer, lines } = traced({}, true);
    by.session.tracer = tracer;
    by.hear("S");
    expect(lines).toEqual(["B\t1\tSSLResponse\t S"]);
  });
});
