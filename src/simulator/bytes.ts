import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the bytes of snapshots are kept. */
export interface ByteStore {
  /** Copies a volume's file as it is now, keeping its holes. @returns where the copy is and how many bytes it really takes. */
  capture(source: string, snapshot: string): Promise<{ file: string; bytes: number }>;
  /** Forgets a copy; nothing happens when there is none. */
  drop(file: string | null): Promise<void>;
}

/** @param directory where copies go; made when the first one is. */
export function createByteStore(directory: string): ByteStore {
  return {
    async capture(source, snapshot) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = join(directory, `${snapshot}.img`);
      await copySparse(source, file);
      return { file, bytes: (await stat(file)).blocks * 512 };
    },
    async drop(file) {
      if (file !== null) await rm(file, { force: true });
    },
  };
}

// Node copies a file byte for byte, holes included; GNU cp keeps them, and shares blocks where the filesystem can.
async function copySparse(source: string, target: string): Promise<void> {
  if (platform() === "linux") await run("cp", ["--sparse=always", "--reflink=auto", "--", source, target]);
  else await copyFile(source, target, constants.COPYFILE_FICLONE);
}
