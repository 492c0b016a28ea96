import { createHash } from "node:crypto";
import { readdir, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import { readJson, replaceFile } from "./atomic-file.ts";
import { runtimeDirectory } from "./ledger-directory.ts";

/** What was done for a mount, kept where it outlives this process but not the machine. */
export interface MountRecord {
  readonly where: string;
  /** What is mounted there. */
  readonly path: string;
  /** The directories that were made for it, the uppermost first. */
  readonly made: readonly string[];
  readonly at: string;
}

/** Remembers, before it is done, what a later call has to undo. */
export interface MountRecords {
  write(record: MountRecord): Promise<void>;
  read(where: string): Promise<MountRecord | undefined>;
  all(): Promise<readonly MountRecord[]>;
  /**
   * Takes the directories away that were made, as far as they are empty, and forgets the mount. Linux then takes
   * the mount from other namespaces, too: a directory that is gone can hold none.
   */
  undo(where: string): Promise<void>;
}

export function mountRecords(directory: string): MountRecords {
  const fileOf = (where: string): string =>
    path.join(directory, `${createHash("sha256").update(where).digest("hex").slice(0, 16)}.json`);
  const read = async (file: string): Promise<MountRecord | undefined> => {
    const found = (await readJson(file)) as MountRecord | undefined;
    return typeof found?.where === "string" && Array.isArray(found.made) ? found : undefined;
  };
  return {
    write: async (record) => {
      await runtimeDirectory(directory);
      await replaceFile(fileOf(record.where), JSON.stringify(record));
    },
    read: (where) => read(fileOf(where)),
    all: async () => {
      const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".json"));
      const records = await Promise.all(names.map((name) => read(path.join(directory, name))));
      return records.flatMap((one) => one ?? []);
    },
    undo: async (where) => {
      const record = await read(fileOf(where));
      for (const one of record?.made.toReversed() ?? []) await rmdir(one).catch(() => undefined);
      await unlink(fileOf(where)).catch(() => undefined);
    },
  };
}
