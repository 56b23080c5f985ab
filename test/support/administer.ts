// A connection of one simple query, made of pg-protocol and a bare socket: the tests' own hand on
// the server, independent of the driver under test. Trust authentication only.

import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { parse, serialize } from "pg-protocol";
import type { Coordinates } from "./address.ts";

// pg-protocol's callback type says only what all messages share.
interface Message {
  readonly name: string;
  readonly message?: string;
  readonly fields?: readonly (string | null)[];
}

function open({ host, port, socketDirectory }: Coordinates): Socket {
  // The socket file works whatever the test wrote about TCP hosts into pg_hba.conf.
  if (process.platform === "win32") return connect({ host, port });
  return connect({ path: join(socketDirectory, `.s.PGSQL.${port}`) });
}

/** Runs `text` and returns the rows of all its statements as text. Throws the server's error. */
export async function administer(
  server: Coordinates,
  user: string,
  database: string,
  text: string,
): Promise<(string | null)[][]> {
  const socket = open(server);
  const rows: (string | null)[][] = [];
  let asked = false;
  let failure: string | undefined;
  try {
    return await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(failure ?? "the server closed the connection")));
      parse(socket, (received) => {
        const message = received as unknown as Message;
        if (message.name === "error") failure = message.message ?? "unknown error";
        if (message.name === "dataRow") rows.push([...(message.fields ?? [])]);
        if (message.name !== "readyForQuery") return;
        if (!asked) socket.write(serialize.query(text));
        else if (failure === undefined) resolve(rows);
        else reject(new Error(failure));
        asked = true;
      }).catch(reject);
      socket.write(serialize.startup({ user, database }));
    });
  } finally {
    socket.end(serialize.end());
    socket.destroySoon();
  }
}
