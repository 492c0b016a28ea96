import { rmdir } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import { askProgram } from "./ask-program.ts";
import { roomIn, type Stage, type Work } from "./copy-stage.ts";
import { lookPatience } from "./find-entries.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { letGo } from "./let-go.ts";
import type { Merged } from "./settle-tree.ts";
import { packing, tarBatch, unpacking } from "./tar-batch.ts";

/** How many directories are held at a time, each with its twin. */
const atOnce = 100;
/** There the names of directories are the numbers of their descriptors. */
const inDescriptors = "--directory=/proc/self/fd";
const mostPacked = 64 * 1024 * 1024;

/**
 * Directories that were there already. With `overwrite` they become what they were in the clone, once all is in them
 * that comes into them; else they stay as they are. Twins of them are made in the stage, and tar(1) packs those and
 * unpacks them over the directories, both known to it by descriptors alone, many at a time: whatever their owner puts
 * in the place of one meanwhile, it is not touched.
 */
export class MergedDirectories implements AsyncDisposable {
  readonly #work: Work;
  readonly #stage: Stage;
  readonly #signal: AbortSignal;
  #waiting: Merged[] = [];
  #top: Merged | undefined;
  #kept = 0;

  constructor(work: Work, stage: Stage, signal: AbortSignal) {
    this.#work = work;
    this.#stage = stage;
    this.#signal = signal;
  }

  async add(one: Merged): Promise<void> {
    if (this.#work.order.existing !== "overwrite") {
      this.#kept += 1;
      await one.directory[Symbol.asyncDispose]();
      await this.#forget(one);
    } else if (!one.path.includes("/")) this.#top = one;
    else {
      this.#waiting.push(one);
      if (this.#waiting.length >= atOnce) await this.#restore();
    }
  }

  /** Does the rest. What it gives is for when the stage is gone, which may have been in the uppermost of them. */
  async finish(): Promise<() => Promise<void>> {
    await this.#restore();
    const top = this.#top;
    if (top === undefined) return () => Promise.resolve();
    const packed = await this.#packed([top]);
    await this.#unpack(packed, [top], this.#signal);
    // Once more for its times, and not cut short: nobody comes by again.
    return () => this.#unpack(packed, [top], undefined);
  }

  get notes(): readonly string[] {
    if (this.#kept === 0) return [];
    return [`${this.#kept} directories were there already and keep their own owner, mode and times`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#waiting.map(({ directory }) => directory));
    await this.#top?.directory[Symbol.asyncDispose]();
  }

  async #restore(): Promise<void> {
    const all = this.#waiting;
    if (all.length === 0) return;
    await this.#unpack(await this.#packed(all), all, this.#signal);
    // As long as they are in the stage, a later call comes by again.
    for (const one of all) await this.#forget(one);
    this.#waiting = [];
    await closeAll(all.map(({ directory }) => directory));
  }

  /** Removes what it was in the stage, if nothing in it was kept out. */
  async #forget({ path }: Merged): Promise<void> {
    const at = Buffer.concat([Buffer.from(this.#stage.held.pathOf("tree/")), Buffer.from(path, "latin1")]);
    await rmdir(at).catch(() => undefined);
  }

  async #packed(all: readonly Merged[]): Promise<Buffer> {
    return letGo(await roomIn(this.#stage, "directories"), (room) => this.#packedFrom(room, all));
  }

  async #packedFrom(room: HeldDirectory, all: readonly Merged[]): Promise<Buffer> {
    const { molds, manners } = this.#work;
    const paths = all.map(({ path }) => path);
    const from = await molds(this.#stage);
    const order = { from, to: room, shown: this.#stage.shown, paths, stall: manners.stall };
    await tarBatch(order, () => undefined, this.#signal);
    const twins: HeldDirectory[] = [];
    try {
      for (const path of paths) twins.push(await room.inside(Buffer.from(path, "latin1")));
      const input = twins.map((_, index) => `${index + 3}/.\0`).join("");
      return await this.#tar([...packing, inDescriptors, "--files-from=-"], input, twins, this.#signal);
    } finally {
      await closeAll(twins);
    }
  }

  async #unpack(packed: Buffer, all: readonly Merged[], signal: AbortSignal | undefined): Promise<void> {
    await this.#tar(
      [...unpacking, inDescriptors],
      packed,
      all.map(({ directory }) => directory),
      signal,
    );
  }

  async #tar(
    words: readonly string[],
    input: string | Buffer,
    directories: readonly HeldDirectory[],
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const { code, stdout, said } = await askProgram("tar", [...words, "--file=-"], {
      timeout: lookPatience,
      ...(signal === undefined ? {} : { signal }),
      input,
      most: mostPacked,
      descriptors: directories.map(({ descriptor }) => descriptor),
    });
    if (code === 0) return stdout;
    const doing = `restore owner, mode and times of ${directories.length} directories in ${this.#work.place.path}`;
    throw new BackupError({ kind: "unexpected", doing, found: said });
  }
}

async function closeAll(all: readonly HeldDirectory[]): Promise<void> {
  for (const one of all) await one[Symbol.asyncDispose]();
}
