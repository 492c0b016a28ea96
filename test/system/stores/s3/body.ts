import { createHash } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { Refusal } from "./failure.ts";

const bad = (why: string) => new Refusal(400, "InvalidRequest", why);

/** Takes the framing of `aws-chunked` off: sizes, signatures and trailers are not part of an object. */
export class AwsChunked extends Transform {
  readonly trailers: Record<string, string> = {};
  #held: Buffer = Buffer.alloc(0);
  #left = 0;
  #state: "size" | "data" | "line end" | "trailers" | "end" = "size";

  override _transform(part: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    try {
      while (this.#step());
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const whole = this.#state === "end" || (this.#state === "trailers" && this.#held.length === 0);
    done(whole ? null : bad("the body ends within its chunks"));
  }

  #step(): boolean {
    if (this.#state === "end") return false;
    if (this.#state === "data") {
      if (this.#held.length === 0) return false;
      const piece = this.#held.subarray(0, this.#left);
      this.#held = this.#held.subarray(piece.length);
      this.#left -= piece.length;
      this.push(piece);
      if (this.#left === 0) this.#state = "line end";
      return true;
    }
    const at = this.#held.indexOf("\r\n");
    if (at < 0) return false;
    const line = this.#held.subarray(0, at).toString("latin1");
    this.#held = this.#held.subarray(at + 2);
    this.#line(line);
    return true;
  }

  #line(line: string): void {
    if (this.#state === "line end") {
      if (line !== "") throw bad("a chunk is longer than it says");
      this.#state = "size";
    } else if (this.#state === "size") {
      const [, size] = /^([0-9a-f]+)(;.*)?$/i.exec(line) ?? [];
      if (size === undefined) throw bad("a chunk has no size");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? "trailers" : "data";
    } else if (line === "") this.#state = "end";
    else {
      const colon = line.indexOf(":");
      this.trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
    }
  }
}

export interface Received {
  readonly size: number;
  /** Hexadecimal. */
  readonly md5: string;
}

/** Writes the body of a request to a file, and refuses it unless it is what its headers say. */
export async function receive(request: IncomingMessage, file: string): Promise<Received> {
  try {
    return await receiveInto(request, file);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

async function receiveInto(request: IncomingMessage, file: string): Promise<Received> {
  const { headers } = request;
  const chunked = String(headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-")
    ? new AwsChunked()
    : undefined;
  const md5 = createHash("md5");
  const sha256 = createHash("sha256");
  let size = 0;
  let crc = 0;
  const look = new Transform({
    transform(part: Buffer, _, done) {
      size += part.length;
      md5.update(part);
      sha256.update(part);
      crc = crc32(part, crc);
      done(null, part);
    },
  });
  const to = createWriteStream(file);
  await (chunked === undefined ? pipeline(request, look, to) : pipeline(request, chunked, look, to));
  const claims: Record<string, unknown> = { ...headers, ...chunked?.trailers };
  const digest = { md5: md5.digest(), sha256: sha256.digest() };
  const crcBytes = Buffer.alloc(4);
  crcBytes.writeUInt32BE(crc >>> 0);
  const wrong = [
    differs(claims["x-amz-decoded-content-length"], String(size)),
    chunked === undefined && differs(claims["content-length"], String(size)),
    differs(claims["content-md5"], digest.md5.toString("base64")),
    differs(claims["x-amz-checksum-sha256"], digest.sha256.toString("base64")),
    differs(claims["x-amz-checksum-crc32"], crcBytes.toString("base64")),
    /^[0-9a-f]{64}$/.test(String(headers["x-amz-content-sha256"])) &&
      differs(headers["x-amz-content-sha256"], digest.sha256.toString("hex")),
  ].some(Boolean);
  if (wrong) throw new Refusal(400, "BadDigest", "The body is not what its headers say.");
  return { size, md5: digest.md5.toString("hex") };
}

function differs(claimed: unknown, found: string): boolean {
  return claimed !== undefined && claimed !== found;
}
