import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { createGzip, gunzipSync } from "node:zlib";
import type { StoredEntry } from "../core/store-ports.ts";
import { ListingWriter, listedEntries, listingFormat } from "../core/stored-listing.ts";
import { codeOf, makeDirectory, unfinished } from "./atomic-file.ts";

/** How large listings may become: bytes of all of them on the disk, and entries of one. */
export interface CacheLimits {
  readonly bytes: number;
  readonly entries: number;
}

const cacheLimits: CacheLimits = { bytes: 256 * 1024 * 1024, entries: 2_000_000 };

/** Of which snapshot a listing is: the address of the repository, and restic's id. */
export interface ListingKey {
  readonly repository: string;
  readonly snapshot: string;
}

/** Bytes of a listing that is read, unpacked. */
const mostUnpacked = 512 * 1024 * 1024;
const ending = ".listing";
/** Milliseconds after which a file that is still being written was left by somebody who was killed. */
const abandonedAfter = 24 * 3_600_000;

/**
 * Listings of snapshots on this host, which spare a look into the repository: a snapshot never changes. What is not
 * there, not whole or not ours alone to write is as if there were nothing; nothing is ever restored by it.
 */
export class ListingCache {
  readonly #directory: string;
  readonly #limits: CacheLimits;

  constructor(directory: string, limits: CacheLimits = cacheLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /** The entries whose path is wanted, if those of the snapshot are kept here. */
  async read(
    key: ListingKey,
    isWanted?: (path: string) => boolean,
  ): Promise<readonly StoredEntry[] | undefined> {
    const text = await this.text(key);
    if (text === undefined) return undefined;
    try {
      return [...listedEntries(text, isWanted)];
    } catch {
      await unlink(this.#placeOf(key)).catch(() => undefined);
      return undefined;
    }
  }

  /** The same as a text of which `listedEntries` makes one after the other: it is whole, as its checksum says. */
  async text(key: ListingKey): Promise<string | undefined> {
    const at = this.#placeOf(key);
    try {
      const packed = await ownFile(at, this.#limits.bytes);
      if (packed === undefined) return undefined;
      const text = gunzipSync(packed, { maxOutputLength: mostUnpacked }).toString("utf8");
      const end = text.indexOf("\n");
      if (text.slice(0, end) !== headOf(key)) throw new Error("it is of something else");
      const now = new Date();
      await utimes(at, now, now);
      return text.slice(end + 1);
    } catch {
      await unlink(at).catch(() => undefined);
      return undefined;
    }
  }

  /**
   * Passes entries on and keeps them, once all have come. Says by its result why they are not kept: too many of them,
   * or no place to write.
   */
  async *keep(
    key: ListingKey,
    entries: AsyncIterable<StoredEntry>,
    told: (why: string) => void,
  ): AsyncGenerator<StoredEntry> {
    const at = this.#placeOf(key);
    const fresh = `${at}.${randomBytes(4).toString("hex")}${unfinished}`;
    const file = await this.#begin(fresh, told);
    const gzip = createGzip({ level: 1 });
    const [writer, out] = [new ListingWriter(), file && gzip.pipe(file)];
    let [kept, text, failure] = [out !== undefined, `${headOf(key)}\n`, undefined as unknown];
    out?.on("error", (error) => {
      failure = error;
    });
    const flush = async (): Promise<void> => {
      const isFull = !gzip.write(text);
      text = "";
      if (isFull && failure === undefined) await drained(gzip, () => failure !== undefined);
    };
    let isWhole = false;
    try {
      for await (const entry of entries) {
        if (kept && (writer.count >= this.#limits.entries || failure !== undefined)) kept = false;
        if (kept) {
          text += writer.add(entry);
          if (text.length > 65_536) await flush();
        }
        yield entry;
      }
      isWhole = true;
    } finally {
      if (out === undefined) gzip.destroy();
      else if (!kept || !isWhole) {
        gzip.destroy();
        out.destroy();
        await unlink(fresh).catch(() => undefined);
        if (isWhole) told(failure === undefined ? "there are too many entries" : codeOf(failure));
      } else {
        gzip.end(text);
        try {
          await finished(out);
          await rename(fresh, at);
          await this.#shrink(at);
        } catch (error) {
          await unlink(fresh).catch(() => undefined);
          told(codeOf(error));
        }
      }
    }
  }

  async #begin(fresh: string, told: (why: string) => void) {
    try {
      await makeDirectory(path.dirname(fresh));
      return (await open(fresh, "wx", 0o600)).createWriteStream();
    } catch (error) {
      told(codeOf(error));
      return undefined;
    }
  }

  /** Removes what was not used for longest, until all has room; never the one that was just written. */
  async #shrink(last: string): Promise<void> {
    const files: { at: string; size: number; used: number }[] = [];
    for (const directory of await readdir(this.#directory).catch(() => [])) {
      const inside = path.join(this.#directory, directory);
      for (const name of await readdir(inside).catch(() => [])) {
        const at = path.join(inside, name);
        const stats = await stat(at).catch(() => undefined);
        if (stats === undefined || !(name.endsWith(ending) || name.endsWith(unfinished))) continue;
        const isAbandoned = name.endsWith(unfinished) && Date.now() - stats.mtimeMs > abandonedAfter;
        if (isAbandoned) await unlink(at).catch(() => undefined);
        else files.push({ at, size: stats.size, used: stats.mtimeMs });
      }
    }
    let size = files.reduce((sum, one) => sum + one.size, 0);
    for (const one of files.toSorted((a, b) => a.used - b.used)) {
      if (size <= this.#limits.bytes) return;
      if (one.at === last) continue;
      await unlink(one.at).catch(() => undefined);
      size -= one.size;
    }
  }

  #placeOf({ repository, snapshot }: ListingKey): string {
    const directory = createHash("sha256").update(repository).digest("hex").slice(0, 16);
    return path.join(this.#directory, directory, `${snapshot.replace(/[^0-9a-f]/g, "")}${ending}`);
  }
}

function headOf({ snapshot }: ListingKey): string {
  return JSON.stringify({ format: listingFormat, snapshot });
}

function drained(stream: NodeJS.EventEmitter, over: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => over() && done(), 50);
    const done = (): void => {
      clearInterval(look);
      stream.off("drain", done);
      resolve();
    };
    stream.once("drain", done);
  });
}

/** Absent where there is none; throws where others could have written it, or it is too large. */
async function ownFile(at: string, most: number): Promise<Buffer | undefined> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(at, flags).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const [stats, self] = [await handle.stat(), await stat("/proc/self").catch(() => undefined)];
    const isOurs =
      stats.isFile() && (self === undefined || stats.uid === self.uid) && (stats.mode & 0o077) === 0;
    if (!isOurs || stats.size > most) throw new Error("it is not ours alone");
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
