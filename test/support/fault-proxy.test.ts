// The fault proxy itself, between plain sockets: each fault does what it says, and heals as it says.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServerAddress } from "./address.ts";
import { FaultProxy } from "./fault-proxy.ts";

/** Sends back whatever comes. */
let echo: Server;
let address: ServerAddress;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "mahout-echo-"));
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as { port: number };
  address = new ServerAddress({ major: 0, host: "127.0.0.1", port, socketDirectory: directory });
});

afterAll(() => {
  echo.close();
  rmSync(directory, { recursive: true });
});

/** A client that remembers what came, piece by piece. */
class Client {
  readonly pieces: string[] = [];
  readonly socket: Socket;
  ended = false;
  closed = false;
  failure: string | undefined;

  constructor(proxy: FaultProxy) {
    const { host, port } = proxy.conninfo();
    const path = String(host).startsWith("/") ? join(String(host), `.s.PGSQL.${port}`) : null;
    this.socket = path ? connect({ path }) : connect(Number(port), String(host));
    this.socket.setNoDelay();
    this.socket.on("data", (chunk) => void this.pieces.push(chunk.toString("latin1")));
    this.socket.on("end", () => (this.ended = true));
    this.socket.on("close", () => (this.closed = true));
    this.socket.on("error", (error) => (this.failure = (error as { code?: string }).code));
  }

  get text(): string {
    return this.pieces.join("");
  }

  /** Sends, and waits until so many bytes have come altogether. */
  async says(text: string, count: number = this.text.length + text.length): Promise<string> {
    this.socket.write(text, "latin1");
    await this.until(() => this.text.length >= count);
    return this.text;
  }

  async until(fact: () => boolean): Promise<void> {
    for (let round = 0; !fact(); round++) {
      if (round > 2_000) throw new Error(`this never came true: ${fact.toString()}`);
      await sleep(2);
    }
  }
}

async function through(
  body: (proxy: FaultProxy, client: Client) => Promise<void>,
  unix: boolean = false,
): Promise<void> {
  await using proxy = await FaultProxy.start(address, { unix });
  const client = new Client(proxy);
  await proxy.until(() => proxy.accepted === 1);
  await body(proxy, client);
  client.socket.destroy();
  await proxy.closed();
}

describe("the fault proxy", () => {
  test("passes on what comes, and the end of it", async () => {
    await through(async (_proxy, client) => {
      expect(await client.says("hello")).toBe("hello");
      client.socket.end("bye");
      await client.until(() => client.ended);
      expect(client.text).toBe("hellobye");
    });
  });

  test("hole: what comes is lost, what follows it is not", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "hole" }, { direction: "toServer" });
      client.socket.write("lost");
      await sleep(20);
      await proxy.heal();
      expect(await client.says("found")).toBe("found");
    });
  });

  test("freeze: what comes is kept", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "freeze" }, { direction: "toClient" });
      client.socket.write("kept");
      await sleep(20);
      expect(client.text).toBe("");
      await proxy.heal();
      expect(await client.says("!", 5)).toBe("kept!");
    });
  });

  test("deaf: what comes is not even read", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "deaf" }, { direction: "toServer" });
      const much = "x".repeat(16 * 1024 * 1024);
      client.socket.write(much);
      await sleep(50);
      expect(client.socket.writableLength).toBeGreaterThan(0);
      await proxy.heal();
      const { length } = await client.says("!", much.length + 1);
      expect(length).toBe(much.length + 1);
    });
  });

  test("delay: what comes takes longer, in order", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "delay", milliseconds: 30 }, { direction: "toServer" });
      const begin = performance.now();
      client.socket.write("ab");
      expect(await client.says("cd", 4)).toBe("abcd");
      expect(performance.now() - begin).toBeGreaterThanOrEqual(29);
    });
  });

  test("split and bytewise: what comes arrives in pieces", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "split", at: 3 }, { direction: "toClient" });
      expect(await client.says("abcdef")).toBe("abcdef");
      expect(client.pieces).toEqual(["abc", "def"]);
      await proxy.inflict({ do: "bytewise" });
      expect(await client.says("xyz")).toBe("abcdefxyz");
    });
  });

  test("corrupt: one byte is another one", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "corrupt", at: 4, mask: 0x20 }, { direction: "toClient" });
      await client.says("abc");
      expect(await client.says("defdef")).toBe("abcdEfdef");
    });
  });

  test("end: one half is closed, the other goes on", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "end" }, { direction: "toServer" });
      await client.until(() => client.ended);
    });
    await through(async (proxy, client) => {
      client.socket.allowHalfOpen = true;
      await proxy.inflict({ do: "end" }, { direction: "toClient" });
      await client.until(() => client.ended);
      client.socket.write("still");
    });
  });

  test.each([false, true])("reset (unix: %p)", async (unix) => {
    const own = unix ? createServer((socket) => socket.pipe(socket)) : null;
    if (own) {
      own.listen(join(directory, `.s.PGSQL.${address.port}`));
      await once(own, "listening");
    }
    await through(async (proxy, client) => {
      expect(await client.says("here")).toBe("here");
      await proxy.inflict({ do: "reset" });
      await client.until(() => client.closed);
      expect(client.failure).toBe(unix ? undefined : "ECONNRESET");
    }, unix);
    own?.close();
  });

  test("until: so many bytes, and then something else", async () => {
    await through(async (proxy, client) => {
      const next = { do: "freeze" } as const;
      await proxy.inflict({ do: "until", at: 5, next }, { direction: "toClient" });
      expect(await client.says("abc")).toBe("abc");
      expect(await client.says("defg", 5)).toBe("abcde");
      await proxy.heal();
      expect(await client.says("!", 8)).toBe("abcdefg!");
    });
  });

  test("arm: strikes when a word has passed, however it is cut, and only then", async () => {
    await through(async (proxy, client) => {
      await proxy.arm("word", { do: "hole" }, { direction: "toClient" });
      await client.says("wor");
      client.socket.write("d and more");
      await proxy.until(() => proxy.struck.includes("hole"));
      expect(client.text).toBe("wor");
    });
    await through(async (proxy, client) => {
      await proxy.arm("word", { do: "hole" });
      await proxy.heal();
      expect(await client.says("a word")).toBe("a word");
      expect(proxy.struck).not.toContain("hole");
    });
  });

  test.each(["refuse", "hole", "drop", "reset"] as const)(
    "who is not admitted: %s; who is there is not touched",
    async (admission) => {
      await through(async (proxy, client) => {
        await proxy.admit(admission);
        const late = new Client(proxy);
        late.socket.write("hello");
        if (admission === "hole") await proxy.until(() => proxy.accepted === 2);
        else await late.until(() => late.closed);
        if (admission === "refuse") expect(late.failure).toBe("ECONNREFUSED");
        expect(late.text).toBe("");
        expect(await client.says("here")).toBe("here");
        late.socket.destroy();
        await proxy.heal();
        const next = new Client(proxy);
        expect(await next.says("again")).toBe("again");
        next.socket.destroy();
      });
    },
  );

  test("newcomers can be treated like those who are there", async () => {
    await through(async (proxy, client) => {
      await proxy.inflict({ do: "bytewise" }, { direction: "toClient", newcomers: true });
      const late = new Client(proxy);
      expect(await late.says("ab")).toBe("ab");
      late.socket.destroy();
      expect(await client.says("cd")).toBe("cd");
    });
  });

  test("recognises a cancel request", async () => {
    await through(async (proxy, client) => {
      await client.says("no such thing");
      const cancel = Buffer.alloc(16);
      cancel.writeInt32BE(16, 0);
      cancel.writeInt32BE(80877102, 4);
      const other = new Client(proxy);
      await other.says(cancel.toString("latin1"), 16);
      expect(proxy.cancels).toBe(1);
      other.socket.destroy();
    });
  });
});
