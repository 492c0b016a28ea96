import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import type { Fault } from "./fault.ts";

const writableByGroup = 0o020;
const writableByOthers = 0o002;

/**
 * Why a file must not decide what is backed up and what is removed: somebody else than root and the
 * agent's user could have written it. `uid` is the agent's user; without one (Windows) nothing is judged,
 * since mode bits mean nothing there.
 */
export async function distrustOf(path: string, stats: Stats, uid: number | undefined): Promise<Fault[]> {
  if (uid === undefined) return [];
  const real = await realpath(path);
  // Who can write to a directory can replace what is in it: that of the file and that of a link to it.
  const directories = [...new Set([directoryOf(real), directoryOf(path)])];
  const faults = await Promise.all(directories.map(distrustOfDirectory));
  return [...distrustOfOwner(real, stats, uid), ...distrustOfMode(real, stats), ...faults.flat()];
}

function distrustOfOwner(path: string, stats: Stats, uid: number): Fault[] {
  if (stats.uid === 0 || stats.uid === uid) return [];
  const expected =
    uid === 0 ? "a file owned by root" : `a file owned by root or by the agent's user (uid ${uid})`;
  return [
    { place: path, path: "", expected, found: `the owner uid ${stats.uid}`, remedy: `chown root ${path}` },
  ];
}

function distrustOfMode(path: string, { mode }: Stats): Fault[] {
  if ((mode & (writableByGroup | writableByOthers)) === 0) return [];
  const expected = "a file that only its owner can write";
  return [{ place: path, path: "", expected, found: `mode ${octal(mode)}`, remedy: `chmod go-w ${path}` }];
}

async function distrustOfDirectory(path: string): Promise<Fault[]> {
  const { mode } = await stat(path);
  if ((mode & writableByOthers) === 0) return [];
  const expected = "a directory that others cannot write";
  return [{ place: path, path: "", expected, found: `mode ${octal(mode)}`, remedy: `chmod o-w ${path}` }];
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

function directoryOf(path: string): string {
  const at = path.lastIndexOf("/");
  if (at < 0) return ".";
  return at === 0 ? "/" : path.slice(0, at);
}
