import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** The files of a repository where its server keeps them, reached past restic. */
export interface Shelf {
  /** Makes what a repository needs before it has files. */
  make(): Promise<void>;
  /** The names of the files of a directory of the repository. */
  names(directory: string): Promise<readonly string[]>;
  read(name: string): Promise<Buffer>;
  write(name: string, content: string | Buffer): Promise<void>;
  remove(name: string): Promise<void>;
}

/** Of a repository that is a directory of this host. */
export function shelfAt(repository: string): Shelf {
  const at = (name: string): string => path.join(repository, name);
  return {
    async make() {
      for (const name of ["data", "index", "keys", "locks", "snapshots"])
        await mkdir(at(name), { recursive: true, mode: 0o700 });
    },
    names: (directory) => readdir(at(directory)),
    read: (name) => readFile(at(name)),
    write: (name, content) => writeFile(at(name), content, { mode: 0o400, flag: "wx" }),
    remove: (name) => rm(at(name)),
  };
}
