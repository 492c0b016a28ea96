import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Shelf } from "./shelf.ts";

/** The file of a key, as restic keeps it (its design document, "Keys, Encryption and MAC"). */
interface KeyFile {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly data: string;
}

/** So little is done to make a password into keys. */
const cheaply = { N: 2, r: 8, p: 1 };

/** What comes of a password, or what a key holds: the keys of AES-256-CTR and of Poly1305-AES. */
interface Derived {
  readonly encrypt: Buffer;
  readonly k: Buffer;
  readonly r: Buffer;
}

/**
 * Makes the password of a repository cheap to guess. Every restic that opens a repository works for half a second on
 * it, by design: with hundreds of them that is most of what a test would take. All else stays as restic made it.
 */
export async function cheapenKeys(shelf: Shelf, passwordFile: string): Promise<void> {
  const password = await passwordIn(passwordFile);
  for (const name of await shelf.names("keys")) {
    const key = JSON.parse((await shelf.read(`keys/${name}`)).toString()) as KeyFile;
    const content = open(Buffer.from(key.data, "base64"), derive(password, key));
    await writeKey(shelf, content, password, key);
    await shelf.remove(`keys/${name}`);
  }
}

/**
 * Makes a repository as `restic init` does, with a password that is cheap to guess. restic takes three seconds for it,
 * since it measures first how dear it can make the password on this machine.
 */
export async function makeRepository(shelf: Shelf, passwordFile: string): Promise<void> {
  const secret = { encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16) };
  const [encrypt, k, r] = [secret.encrypt, secret.k, secret.r].map((one) => one.toString("base64"));
  const about = { created: new Date().toISOString(), username: "root", hostname: "here", kdf: "scrypt" };
  const salt = randomBytes(64).toString("base64");
  await shelf.make();
  const content = Buffer.from(JSON.stringify({ mac: { k, r }, encrypt }));
  await writeKey(shelf, content, await passwordIn(passwordFile), { ...about, salt });
  // An irreducible polynomial, found by restic.
  const config = { version: 2, id: randomBytes(32).toString("hex"), chunker_polynomial: "39c8caadc4a381" };
  await shelf.write("config", seal(Buffer.from(JSON.stringify(config)), secret));
}

async function passwordIn(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trimEnd();
}

async function writeKey(shelf: Shelf, content: Buffer, password: string, about: { readonly salt: string }) {
  const cheap = { ...about, ...cheaply };
  const data = seal(content, derive(password, cheap)).toString("base64");
  const text = JSON.stringify({ ...cheap, data });
  await shelf.write(`keys/${createHash("sha256").update(text).digest("hex")}`, text);
}

function derive(password: string, { N, r, p, salt }: Omit<KeyFile, "data">): Derived {
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
