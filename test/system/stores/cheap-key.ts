import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The file of a key, as restic keeps it (its design document, "Keys, Encryption and MAC"). */
interface KeyFile {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly data: string;
}

/** What comes of a password: the keys of AES-256-CTR and of Poly1305-AES. */
interface Derived {
  readonly encrypt: Buffer;
  readonly k: Buffer;
  readonly r: Buffer;
}

/**
 * Makes the password of a repository cheap to guess. Every restic that opens a repository works for half a second on
 * it, by design: with hundreds of them that is most of what a test would take. All else stays as restic made it.
 */
export function cheapenKeys(repository: string, passwordFile: string): void {
  const password = readFileSync(passwordFile, "utf8").trimEnd();
  const keys = path.join(repository, "keys");
  for (const name of readdirSync(keys)) {
    const key = JSON.parse(readFileSync(path.join(keys, name), "utf8")) as KeyFile;
    const cheap = { ...key, N: 2, r: 8, p: 1 };
    const data = seal(open(Buffer.from(key.data, "base64"), derive(password, key)), derive(password, cheap));
    const text = JSON.stringify({ ...cheap, data: data.toString("base64") });
    const id = createHash("sha256").update(text).digest("hex");
    writeFileSync(path.join(keys, id), text, { mode: 0o400 });
    rmSync(path.join(keys, name));
  }
}

function derive(password: string, { N, r, p, salt }: KeyFile): Derived {
  const all = scryptSync(password, Buffer.from(salt, "base64"), 64, { N, r, p, maxmem: 2 ** 30 });
  return { encrypt: all.subarray(0, 32), k: all.subarray(32, 48), r: all.subarray(48) };
}

function open(sealed: Buffer, derived: Derived): Buffer {
  const [nonce, text, code] = [sealed.subarray(0, 16), sealed.subarray(16, -16), sealed.subarray(-16)];
  if (!authenticate(text, nonce, derived).equals(code)) throw new Error("the key is not of this password");
  return createDecipheriv("aes-256-ctr", derived.encrypt, nonce).update(text);
}

function seal(plain: Buffer, derived: Derived): Buffer {
  const nonce = randomBytes(16);
  const text = createCipheriv("aes-256-ctr", derived.encrypt, nonce).update(plain);
  return Buffer.concat([nonce, text, authenticate(text, nonce, derived)]);
}

/** Poly1305-AES. */
function authenticate(text: Buffer, nonce: Buffer, derived: Derived): Buffer {
  const prime = (1n << 130n) - 5n;
  const r = numberOf(derived.r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < text.length; at += 16) {
    const block = text.subarray(at, at + 16);
    sum = ((sum + numberOf(block) + (1n << BigInt(8 * block.length))) * r) % prime;
  }
  const pad = createCipheriv("aes-128-ecb", derived.k, null).setAutoPadding(false).update(nonce);
  const code = (sum + numberOf(pad)) & ((1n << 128n) - 1n);
  return Buffer.from(code.toString(16).padStart(32, "0"), "hex").reverse();
}

/** Of bytes of which the first weighs least. */
const numberOf = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
