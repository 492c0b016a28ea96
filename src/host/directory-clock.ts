import { readdir, stat } from "node:fs/promises";
import path from "node:path";

/** The clock of the filesystem that a repository lies in, and when its snapshots came to lie there. */
export async function directoryClock(
  directory: string,
): Promise<{ readonly now: Date; readonly received: ReadonlyMap<string, Date> } | undefined> {
  const snapshots = path.join(directory, "snapshots");
  const names = await readdir(snapshots).catch(() => undefined);
  if (names === undefined) return undefined;
  const received = new Map<string, Date>();
  for (const name of names) {
    const found = await stat(path.join(snapshots, name)).catch(() => undefined);
    if (found !== undefined) received.set(name, found.mtime);
  }
  return { now: new Date(), received };
}
