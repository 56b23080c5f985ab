// A server that has only one thing to say: it lets anybody in and sends notifications, prepared
// beforehand, as fast as they are read. A real server makes them more slowly than any client takes
// them, so with one the drivers could not be told apart.

import { createServer } from "node:net";

/** How many each client gets. */
export const COUNT = 200_000;

/** What the one with this number says. */
export const payloadOf = (n) => `notification number ${n}`;

const SSL_REQUEST = 80_877_103;

function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Starts it; resolves with its port. */
export async function startReplay() {
  const settings = { server_version: "18.0", client_encoding: "UTF8" };
  const greeting = Buffer.concat([
    message("R", [0, 0, 0, 0]),
    ...Object.entries(settings).map(([name, value]) => message("S", `${name}\0${value}\0`)),
    message("K", [0, 0, 0, 1, 1, 2, 3, 4]),
    message("Z", "I"),
  ]);
  const notifications = Array.from({ length: COUNT }, (_, n) =>
    message("A", [0, 0, 0, 2], `bench_channel\0${payloadOf(n)}\0`),
  );
  const everything = Buffer.concat([greeting, ...notifications]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const answer = (bytes) => {
      const wantsEncryption = bytes.readUInt32BE(4) === SSL_REQUEST;
      socket.write(wantsEncryption ? "N" : everything);
      if (wantsEncryption) socket.once("data", answer);
      else socket.resume();
    };
    socket.once("data", answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

// As a process of its own, so that its work is nobody else's.
if (process.argv[1]?.endsWith("replay.mjs") && process.send) {
  process.send(await startReplay());
  process.on("disconnect", () => process.exit());
}
