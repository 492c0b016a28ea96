// Speaks enough of MongoDB's wire protocol for the driver: the first hello by OP_QUERY, all else by OP_MSG. It
// counts locks as mongod does. It is no mongod: what a real one does with its files is not shown by it.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { type Document, deserialize, serialize } from "bson";
import { onTestFinished } from "vitest";

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;

export interface FakeMongod {
  readonly uri: string;
  /** The names of the commands that came, without the driver's own. */
  readonly commands: string[];
  locks: number;
  /** What happens instead of an answer to a command, first come first served. */
  readonly faults: { readonly command: string; readonly fault: "drop" | "hang" | "late" | Document }[];
  /** Refuses new connections and drops those that are there. */
  stop(): Promise<void>;
  /** Listens again, as after a restart: without locks. */
  restart(): Promise<void>;
}

const chatter = ["hello", "ismaster", "isMaster", "ping", "endSessions"];

export async function fakeMongod(): Promise<FakeMongod> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const size = rest.readInt32LE(0);
        answer(fake, socket, rest.subarray(0, size));
        rest = rest.subarray(size);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    const closed = server.listening ? once(server, "close") : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const fake: FakeMongod = {
    uri: `mongodb://127.0.0.1:${port}`,
    commands: [],
    locks: 0,
    faults: [],
    stop,
    restart: async () => {
      fake.locks = 0;
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
  onTestFinished(stop);
  return fake;
}

function answer(fake: FakeMongod, socket: Socket, message: Buffer): void {
  const request = message.readInt32LE(4);
  const code = message.readInt32LE(12);
  if (code === opQuery) {
    const name = message.indexOf(0, 20);
    const reply = serialize(resultOf(fake, deserialize(message.subarray(name + 9))));
    const head = Buffer.alloc(36);
    head.writeInt32LE(36 + reply.length, 0);
    head.writeInt32LE(request, 8);
    head.writeInt32LE(opReply, 12);
    head.writeInt32LE(1, 32);
    socket.write(Buffer.concat([head, reply]));
    return;
  }
  const command = deserialize(message.subarray(21));
  const name = Object.keys(command)[0] ?? "";
  if (!chatter.includes(name)) fake.commands.push(name);
  const at = fake.faults.findIndex((one) => one.command === name);
  const fault = at < 0 ? undefined : fake.faults.splice(at, 1)[0]?.fault;
  if (fault === "hang") return;
  const result = typeof fault === "object" ? fault : resultOf(fake, command);
  if (fault === "drop") return void socket.destroy();
  const send = (): void => void socket.write(messageOf(request, result));
  if (fault === "late") setTimeout(send, 400);
  else send();
}

function messageOf(request: number, result: Document): Buffer {
  const reply = serialize(result);
  const head = Buffer.alloc(21);
  head.writeInt32LE(21 + reply.length, 0);
  head.writeInt32LE(request, 8);
  head.writeInt32LE(opMsg, 12);
  return Buffer.concat([head, reply]);
}

function resultOf(fake: FakeMongod, command: Document): Document {
  if ("currentOp" in command) return { ok: 1, inprog: [], ...(fake.locks > 0 ? { fsyncLock: true } : {}) };
  if ("fsync" in command) {
    fake.locks += 1;
    return { ok: 1, lockCount: fake.locks };
  }
  if ("fsyncUnlock" in command) {
    if (fake.locks === 0)
      return { ok: 0, code: 20, codeName: "IllegalOperation", errmsg: "fsyncUnlock called when not locked" };
    fake.locks -= 1;
    return { ok: 1, lockCount: fake.locks };
  }
  const hello = {
    isWritablePrimary: true,
    ismaster: true,
    helloOk: true,
    minWireVersion: 0,
    maxWireVersion: 21,
  };
  const sizes = {
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
  };
  return { ok: 1, ...hello, ...sizes, readOnly: false };
}
