import type { StoredEntry } from "./store-ports.ts";

/**
 * All entries of a snapshot as a text that is small and quickly read: five fields for each, ended by a zero byte, which
 * no name has. They are: how many characters of the path before are the beginning of this one, the rest of it, the
 * number of its attributes, its size, and its time in milliseconds. Attributes (kind, mode, owner, group) are few; a
 * field `+f 33188 0 0` where a number could be says the next ones and gives them the next number.
 *
 * It is kept to show what there is, and never to say what a file holds.
 */
export const listingFormat = 1;

const base = 36;
const none = "";

/** Writes entries one by one, in the order in which the next ones share most with those before. */
export class ListingWriter {
  readonly #attributes = new Map<string, number>();
  #last = "";
  #count = 0;

  /** How many it has written. */
  get count(): number {
    return this.#count;
  }

  add({ path, type, size, mode, uid, gid, mtime }: StoredEntry): string {
    const shared = sharedLength(this.#last, path);
    this.#last = path;
    this.#count += 1;
    const words = `+${type} ${mode ?? none} ${uid ?? none} ${gid ?? none}`;
    const known = this.#attributes.get(words);
    if (known === undefined) this.#attributes.set(words, this.#attributes.size);
    const attributes = known === undefined ? words : known.toString(base);
    const instant = mtime === undefined ? none : mtime.getTime().toString(base);
    return `${shared.toString(base)}\0${path.slice(shared)}\0${attributes}\0${size?.toString(base) ?? none}\0${instant}\0`;
  }
}

/**
 * Reads what {@link ListingWriter} wrote; throws where that is something else. Of 100,000 entries few are wanted: those
 * whose path is not are passed over, and no more is made of them.
 */
export function* listedEntries(
  text: string,
  isWanted: (path: string) => boolean = () => true,
): Generator<StoredEntry> {
  const attributes: Attributes[] = [];
  let [at, last] = [0, ""];
  const end = (): number => {
    const found = text.indexOf("\0", at);
    if (found < 0) throw new Error("the listing ends in the middle of an entry");
    return found;
  };
  const field = (): string => {
    const to = end();
    const value = text.slice(at, to);
    at = to + 1;
    return value;
  };
  while (at < text.length) {
    const shared = Number.parseInt(field(), base);
    const path = last.slice(0, shared) + field();
    last = path;
    const isNew = text.charCodeAt(at) === plus;
    const words = field();
    if (isNew) attributes.push(attributesOf(words));
    if (!path.startsWith("/")) throw notUnderstood();
    if (!isWanted(path)) {
      at = end() + 1;
      at = end() + 1;
      continue;
    }
    const known = isNew ? attributes.at(-1) : attributes[Number.parseInt(words, base)];
    if (known === undefined) throw notUnderstood();
    yield entryOf(path, known, field(), field());
  }
}

type Attributes = Pick<StoredEntry, "type" | "mode" | "uid" | "gid">;

/** `+`, with which new attributes begin. */
const plus = 43;

function entryOf(path: string, attributes: Attributes, size: string, instant: string): StoredEntry {
  const entry: Attributes & { path: string; size?: number; mtime?: Date } = { path, ...attributes };
  if (size !== none) entry.size = Number.parseInt(size, base);
  if (instant !== none) entry.mtime = new Date(Number.parseInt(instant, base));
  return entry;
}

function notUnderstood(): Error {
  return new Error("the listing is not understood");
}

function attributesOf(words: string): Attributes {
  const [type = "", mode, uid, gid] = words.slice(1).split(" ");
  return {
    type: type as StoredEntry["type"],
    ...(mode ? { mode: Number(mode) } : {}),
    ...(uid ? { uid: Number(uid) } : {}),
    ...(gid ? { gid: Number(gid) } : {}),
  };
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}
