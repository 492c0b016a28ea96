import type { Stats } from "node:fs";
import { lstat, readlink, realpath } from "node:fs/promises";
import { distrustOfOpened, type Looked, placesOnTheWay } from "../core/distrust.ts";
import type { Fault } from "./fault.ts";

/**
 * Why a file must not decide what is backed up, what is removed and which programs run: somebody else than
 * root and the agent's user could have written or exchanged it. `stats` are those of the open file. `uid` is
 * the agent's user; without one (Windows) nothing is judged, since mode bits mean nothing there.
 */
export async function distrustOf(path: string, stats: Stats, uid: number | undefined): Promise<Fault[]> {
  if (uid === undefined) return [];
  const absolute = path.startsWith("/") ? path : `${await realpath(".")}/${path}`;
  const places = await placesOnTheWay(absolute, look);
  const distrust = distrustOfOpened(places, stats, [{ uid, name: "the agent's user" }]);
  return distrust.map(({ path: place, ...rest }) => ({ place, path: "", ...rest }));
}

async function look(path: string): Promise<Looked> {
  const stats = await lstat(path);
  const { uid, mode } = stats;
  if (stats.isSymbolicLink()) return { kind: "link", uid, mode, target: await readlink(path) };
  return { kind: stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other", uid, mode };
}
