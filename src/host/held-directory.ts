import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readdir, readFile, readlink } from "node:fs/promises";

/** O_PATH, which Node does not name: a handle for the place alone. */
const placeOnly = 0o10000000;

/**
 * A directory that is held open, so that names are looked up in it and nowhere else, whatever becomes of the path
 * that led to it: the kernel's own way of openat(2) for programs that lack it.
 */
export class HeldDirectory {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Fails with ENOTDIR or ELOOP where it is no directory but a link to one. */
  static async open(path: string | Buffer): Promise<HeldDirectory> {
    return new HeldDirectory(await open(path, placeOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  }

  /** For a program that is to work in it: it reaches it by {@link givenDirectory}, whatever its path is by then. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /** The path of a name in it; names are bytes. */
  at(name: Buffer): Buffer {
    return Buffer.concat([Buffer.from(this.pathOf("")), name]);
  }

  /** The same for a name that is text. */
  pathOf(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  /** Holds a directory in it; fails like {@link open}. */
  inside(name: Buffer | string): Promise<HeldDirectory> {
    return HeldDirectory.open(this.at(Buffer.from(name)));
  }

  stats(): Promise<Stats> {
    return this.#handle.stat();
  }

  /** The mount that it is on, by the number that mountinfo has for it; without asking the filesystem. */
  async mountId(): Promise<number | undefined> {
    const told = await readFile(`/proc/self/fdinfo/${this.#handle.fd}`, "utf8");
    const id = /^mnt_id:\s*(\d+)/m.exec(told)?.[1];
    return id === undefined ? undefined : Number(id);
  }

  /** Where it is by now, for people; ends with ` (deleted)` when it is removed. */
  pathNow(): Promise<string> {
    return readlink(`/proc/self/fd/${this.#handle.fd}`);
  }

  async names(): Promise<Buffer[]> {
    const names = await readdir(this.pathOf("."), { encoding: "buffer" });
    return names.sort(Buffer.compare);
  }

  /** May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** How a program calls the directory that it was given as its first descriptor beyond the standard ones. */
export const givenDirectory = "/proc/self/fd/3";
