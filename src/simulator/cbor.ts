/**
 * The part of CBOR (RFC 8949) that smithy's RPC v2 protocol uses: newer AWS CLIs and botocore speak it to CloudWatch.
 * Times are tag 1, seconds since the epoch.
 */

/** A CBOR body that cannot be read. */
export class CborError extends Error {}

/** Bytes of a value made of objects, lists, texts, numbers, booleans, dates and null; undefined members are left out. */
export function encodeCbor(value: unknown): Buffer {
  if (value === null || value === undefined) return Buffer.from([0xf6]);
  if (value === false) return Buffer.from([0xf4]);
  if (value === true) return Buffer.from([0xf5]);
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? encodeInteger(value) : encodeDouble(value);
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    return Buffer.concat([head(3, bytes.length), bytes]);
  }
  if (value instanceof Date) return Buffer.concat([head(6, 1), encodeDouble(value.getTime() / 1_000)]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(encodeCbor)]);
  if (typeof value !== "object") throw new TypeError(`cannot be CBOR: ${typeof value}`);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Buffer.concat([
    head(5, entries.length),
    ...entries.flatMap(([key, each]) => [encodeCbor(key), encodeCbor(each)]),
  ]);
}

function encodeInteger(value: number): Buffer {
  return value >= 0 ? head(0, value) : head(1, -1 - value);
}

function encodeDouble(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function head(major: number, argument: number): Buffer {
  const first = major << 5;
  if (argument < 24) return Buffer.from([first | argument]);
  if (argument < 0x100) return Buffer.from([first | 24, argument]);
  if (argument < 0x10000) return Buffer.from([first | 25, argument >> 8, argument & 0xff]);
  const wide = argument > 0xffffffff;
  const bytes = Buffer.alloc(wide ? 9 : 5);
  bytes[0] = first | (wide ? 27 : 26);
  if (wide) bytes.writeBigUInt64BE(BigInt(argument), 1);
  else bytes.writeUInt32BE(argument, 1);
  return bytes;
}

/** The value that the bytes hold; tag 1 gives a Date. @throws CborError */
export function decodeCbor(bytes: Buffer): unknown {
  const reader = { bytes, at: 0 };
  try {
    const value = read(reader);
    if (reader.at !== bytes.length) throw new CborError("more bytes than one value");
    return value;
  } catch (error) {
    throw error instanceof RangeError ? new CborError("the value ends too early") : error;
  }
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

const breakMark = Symbol("break");

function read(reader: Reader): unknown {
  const first = reader.bytes.readUInt8(reader.at++);
  const [major, info] = [first >> 5, first & 31];
  if (major === 7) return readSimple(reader, info);
  const endless = info === 31;
  const argument = endless ? Number.POSITIVE_INFINITY : readArgument(reader, info);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2:
    case 3:
      return readText(reader, argument, major);
    case 4:
      return readList(reader, argument);
    case 5:
      return readMap(reader, argument);
    default: {
      const value = read(reader);
      return argument === 1 && typeof value === "number" ? new Date(value * 1_000) : value;
    }
  }
}

function readArgument(reader: Reader, info: number): number {
  if (info < 24) return info;
  const size = 1 << (info - 24);
  if (info > 27) throw new CborError(`reserved length ${info}`);
  const value =
    size === 8 ? Number(reader.bytes.readBigUInt64BE(reader.at)) : reader.bytes.readUIntBE(reader.at, size);
  reader.at += size;
  return value;
}

function readSimple(reader: Reader, info: number): unknown {
  const at = reader.at;
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      reader.at += 2;
      return half(reader.bytes.readUInt16BE(at));
    case 26:
      reader.at += 4;
      return reader.bytes.readFloatBE(at);
    case 27:
      reader.at += 8;
      return reader.bytes.readDoubleBE(at);
    case 31:
      return breakMark;
    default:
      throw new CborError(`simple value ${info} is not used here`);
  }
}

function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function readText(reader: Reader, length: number, major: number): string | Buffer {
  if (length === Number.POSITIVE_INFINITY) return readList(reader, length).join("");
  const end = reader.at + length;
  if (end > reader.bytes.length) throw new CborError("the text ends too early");
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return major === 3 ? bytes.toString("utf8") : bytes;
}

function readList(reader: Reader, length: number): unknown[] {
  const items: unknown[] = [];
  while (items.length < length) {
    const item = read(reader);
    if (item === breakMark) break;
    items.push(item);
  }
  return items;
}

function readMap(reader: Reader, length: number): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  while (entries.length < length) {
    const key = read(reader);
    if (key === breakMark) break;
    entries.push([String(key), read(reader)]);
  }
  return Object.fromEntries(entries);
}
