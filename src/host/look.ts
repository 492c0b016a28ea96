import { lstat, readlink } from "node:fs/promises";
import type { Looked } from "../core/distrust.ts";

/** Looks at a place without following a link; rejects with the system's error where there is none. */
export async function look(path: string): Promise<Looked> {
  const stats = await lstat(path);
  const { uid, mode } = stats;
  if (stats.isSymbolicLink()) return { kind: "link", uid, mode, target: await readlink(path) };
  return { kind: stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other", uid, mode };
}
