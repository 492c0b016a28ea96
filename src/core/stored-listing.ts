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

/** Reads what {@link ListingWriter} wrote; throws where that is something else. */
export function* listedEntries(text: string): Generator<StoredEntry> {
  const attributes: Pick<StoredEntry, "type" | "mode" | "uid" | "gid">[] = [];
  let [at, last] = [0, ""];
  const field = (): string => {
    const end = text.indexOf("\0", at);
    if (end < 0) throw new Error("the listing ends in the middle of an entry");
    const value = text.slice(at, end);
    at = end + 1;
    return value;
  };
  while (at < text.length) {
    const shared = Number.parseInt(field(), base);
    const path = last.slice(0, shared) + field();
    last = path;
    const words = field();
    if (words.startsWith("+")) attributes.push(attributesOf(words));
    const known = words.startsWith("+") ? attributes.at(-1) : attributes[Number.parseInt(words, base)];
    const [size, instant] = [field(), field()];
    if (known === undefined || !path.startsWith("/")) throw new Error("the listing is not understood");
    yield {
      path,
      ...known,
      ...(size === none ? {} : { size: Number.parseInt(size, base) }),
      ...(instant === none ? {} : { mtime: new Date(Number.parseInt(instant, base)) }),
    };
  }
}

function attributesOf(words: string): Pick<StoredEntry, "type" | "mode" | "uid" | "gid"> {
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
