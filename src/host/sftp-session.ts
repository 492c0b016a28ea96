import { spawn } from "node:child_process";
import { once } from "node:events";

/** What SFTP tells of a file. */
interface SftpFile {
  readonly name: string;
  readonly mtime: Date | undefined;
}

/** As much of SFTP (version 3) as tells the server's clock. */
export interface SftpSession {
  list(directory: string): Promise<readonly SftpFile[]>;
  /** Makes a file, which must not be there yet, and tells when it was made; takes it away again. */
  probe(file: string): Promise<Date | undefined>;
  close(): void;
}

const [init, open, close, fstat, opendir, readdir, remove] = [1, 3, 4, 8, 11, 12, 13] as const;
const [version, handle, name, attributes] = [2, 102, 104, 105] as const;
/** Of OPEN: write, make, and only where there is none. */
const makeAnew = 0x02 | 0x08 | 0x20;
/** Bytes of one answer. */
const longest = 1024 * 1024;

/** Speaks to the server that the words lead to; ends with the signal. */
export async function sftpSession(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<SftpSession> {
  const [program = "", ...rest] = words;
  const child = spawn(program, rest, {
    cwd: "/",
    env,
    stdio: ["pipe", "pipe", "ignore"],
    signal,
    killSignal: "SIGKILL",
  });
  const waiting: { resolve: (packet: Packet) => void; reject: (error: Error) => void }[] = [];
  const fail = (error: Error): void => {
    for (const one of waiting.splice(0)) one.reject(error);
  };
  child.on("error", fail);
  child.stdin.on("error", fail);
  child.once("close", () => fail(new Error("the connection has ended")));
  let left = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    left = Buffer.concat([left, chunk]);
    while (left.length >= 4) {
      const length = left.readUInt32BE(0);
      if (length > longest) return void child.kill("SIGKILL");
      if (left.length < 4 + length) return;
      waiting.shift()?.resolve(new Packet(left.subarray(4, 4 + length)));
      left = left.subarray(4 + length);
    }
  });
  /** One request at a time, so that each answer is that of the last. */
  const ask = (...parts: readonly Buffer[]): Promise<Packet> => {
    const body = Buffer.concat(parts);
    return new Promise((resolve, reject) => {
      if (child.exitCode !== null || signal.aborted) return reject(new Error("the connection has ended"));
      waiting.push({ resolve, reject });
      child.stdin.write(Buffer.concat([number(body.length), body]));
    });
  };
  let id = 0;
  const request = (type: number, ...parts: readonly Buffer[]): Promise<Packet> =>
    ask(Buffer.from([type]), number(++id), ...parts);
  await Promise.race([once(child, "spawn"), once(child, "error")]);
  const hello = await ask(Buffer.from([init]), number(3));
  if (hello.type !== version) throw new Error("it speaks no SFTP");
  return {
    list: (directory) => list(request, directory),
    probe: (file) => probe(request, file),
    close: () => void child.kill(),
  };
}

type Request = (type: number, ...parts: readonly Buffer[]) => Promise<Packet>;

async function list(request: Request, directory: string): Promise<SftpFile[]> {
  const opened = await request(opendir, text(directory));
  if (opened.type !== handle) throw new Error(`${directory} cannot be listed`);
  const held = opened.skip(4).bytes();
  const found: SftpFile[] = [];
  for (;;) {
    const part = await request(readdir, number(held.length), held);
    if (part.type !== name) break;
    part.skip(4);
    for (let left = part.number(); left > 0; left -= 1) {
      const file = part.bytes().toString("utf8");
      part.bytes();
      found.push({ name: file, mtime: part.mtime() });
    }
  }
  await request(close, number(held.length), held);
  return found;
}

async function probe(request: Request, file: string): Promise<Date | undefined> {
  const opened = await request(open, text(file), number(makeAnew), number(0));
  if (opened.type !== handle) return undefined;
  const held = opened.skip(4).bytes();
  try {
    const told = await request(fstat, number(held.length), held);
    return told.type === attributes ? told.skip(4).mtime() : undefined;
  } finally {
    await request(close, number(held.length), held);
    await request(remove, text(file));
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

/** An answer, read from its beginning. */
class Packet {
  readonly type: number;
  readonly #bytes: Buffer;
  #at = 1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.type = bytes[0] ?? 0;
  }

  skip(count: number): this {
    this.#at += count;
    return this;
  }

  number(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  bytes(): Buffer {
    const length = this.number();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Of attributes; absent where the server does not tell it. */
  mtime(): Date | undefined {
    const flags = this.number();
    if ((flags & 1) !== 0) this.skip(8);
    if ((flags & 2) !== 0) this.skip(8);
    if ((flags & 4) !== 0) this.skip(4);
    let found: Date | undefined;
    if ((flags & 8) !== 0) found = new Date(this.skip(4).number() * 1000);
    if ((flags & 0x80000000) !== 0) {
      for (let left = this.number(); left > 0; left -= 1) {
        this.bytes();
        this.bytes();
      }
    }
    return found;
  }
}
