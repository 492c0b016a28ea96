import { BackupError } from "../core/errors.ts";
import type { RestoreOrder, StoredEntry, StoreProgress } from "../core/store-ports.ts";
import { whenUnlocked } from "./restic-locks.ts";
import {
  type FileComplaint,
  fileComplaint,
  messageOf,
  numberIn,
  type ResticMessage,
  textIn,
} from "./restic-messages.ts";
import type { ResticCall, ResticRunner } from "./restic-runner.ts";
import { progressOf } from "./restic-saved.ts";

const types = ["file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular"] as const;

/** Entries of a snapshot's tree. Takes no lock: what a kept snapshot needs stays. */
export async function* listTree(
  runner: ResticRunner,
  snapshot: string,
  at: { readonly path: string; readonly recursive: boolean; readonly itself?: boolean },
  signal: AbortSignal,
): AsyncGenerator<StoredEntry, void> {
  const doing = `list ${at.path} of ${snapshot.slice(0, 8)}`;
  const deep = at.recursive && at.path !== "/";
  const all = at.recursive && at.path === "/";
  const words = ["ls", "--json", "--no-lock", ...(deep ? ["--recursive"] : []), "--", snapshot];
  let there = false;
  const call: ResticCall = { doing, words: all ? words : [...words, at.path] };
  for await (const line of runner.lines(call, signal)) {
    const message = messageOf(line);
    if (message === undefined) continue;
    if (message["struct_type"] === "snapshot") there = true;
    const entry = message["struct_type"] === "node" ? entryOf(message) : undefined;
    if (entry === undefined) continue;
    if (at.itself === true || entry.path !== at.path || entry.type !== "dir") yield entry;
  }
  // An older one says so and ends well.
  if (!there) throw noSnapshot(runner, snapshot, doing);
}

function entryOf(node: ResticMessage): StoredEntry | undefined {
  const path = textIn(node, "path");
  const type = types.find((one) => one === node["type"]);
  if (path === undefined || type === undefined) return undefined;
  const mtime = textIn(node, "mtime");
  const target = textIn(node, "linktarget");
  const mode = numberIn(node, "mode");
  return {
    path,
    type,
    ...pick(node, "size"),
    ...(mode === undefined ? {} : { mode: modeOf(mode) }),
    ...pick(node, "uid"),
    ...pick(node, "gid"),
    ...(mtime === undefined ? {} : { mtime: new Date(mtime) }),
    ...(target === undefined ? {} : { linkTarget: target }),
  };
}

function pick<K extends "size" | "uid" | "gid">(node: ResticMessage, key: K): Partial<Record<K, number>> {
  const value = numberIn(node, key);
  return value === undefined ? {} : ({ [key]: value } as Record<K, number>);
}

/** The kinds of Go's modes, from the highest bit, and of stat(2). */
const kinds = [
  [31, 0o040000],
  [27, 0o120000],
  [25, 0o010000],
  [24, 0o140000],
  [21, 0o020000],
  [26, 0o060000],
] as const;
const special = [
  [23, 0o4000],
  [22, 0o2000],
  [20, 0o1000],
] as const;

/** Go numbers kinds and special bits in its own way. */
function modeOf(go: number): number {
  const has = (bit: number): boolean => Math.floor(go / 2 ** bit) % 2 === 1;
  const kind = kinds.find(([bit]) => has(bit))?.[1] ?? 0o100000;
  return special.reduce((mode, [bit, ours]) => (has(bit) ? mode | ours : mode), kind | (go & 0o777));
}

/** The bytes of one file. */
export async function dumpFile(
  runner: ResticRunner,
  snapshot: string,
  path: string,
  output: number,
  signal: AbortSignal,
): Promise<void> {
  const doing = `read ${path} of ${snapshot.slice(0, 8)}`;
  await reading(runner, signal, (lock) =>
    runner.run({ doing, words: ["dump", ...lock, "--", snapshot, path], output }, signal),
  );
}

/** How many files that could not be restored are told one by one. */
const mostProblems = 1_000;

/** Restores entries below a directory. What cannot be restored is told, and does not stop the others. */
export async function restoreTree(
  runner: ResticRunner,
  { snapshot, include, target }: RestoreOrder,
  tell: (progress: StoreProgress) => void,
  signal: AbortSignal,
): Promise<{ readonly problems: readonly BackupError[]; readonly fillsHoles: boolean }> {
  const doing = `restore from ${snapshot.slice(0, 8)}`;
  let complaints: FileComplaint[] = [];
  let ended = false;
  const fillsHoles = runner.ground.program.minor < 15;
  const call = (lock: readonly string[]): ResticCall => ({
    doing,
    words: [
      "restore",
      ...(runner.ground.program.minor >= 17 ? ["--json"] : []),
      // Older ones write the holes of files out.
      ...(fillsHoles ? [] : ["--sparse"]),
      ...lock,
      `--target=${target}`,
      ...include.map((path) => `--include=${literal(path)}`),
      "--",
      snapshot,
    ],
    line(line) {
      const message = messageOf(line);
      if (message?.["message_type"] === "status" || message?.["message_type"] === "summary")
        tell(progressOf("restore", message));
    },
    complaint(line) {
      const one = fileComplaint(line);
      if (one !== undefined) complaints.push(one);
      if (/There were \d+ errors/.test(line)) ended = true;
    },
    // It went through all of them, and some could not be restored.
    accept: ({ code }) => code === 1 && ended && complaints.length > 0,
  });
  await reading(runner, signal, (lock) => {
    complaints = [];
    return runner.run(call(lock), signal);
  });
  const problems = complaints
    .slice(0, mostProblems)
    .map(
      ({ path, found }) =>
        new BackupError({ kind: "cannot-write", doing: `restore ${path}`, found: runner.conceal(found) }),
    );
  if (complaints.length <= mostProblems) return { problems, fillsHoles };
  const found = `${complaints.length - mostProblems} more could not be restored`;
  return { problems: [...problems, new BackupError({ kind: "cannot-write", doing, found })], fillsHoles };
}

/** A path is a pattern for restic. */
function literal(path: string): string {
  return path.replace(/[\\*?[]/g, "\\$&");
}

/** Under a lock, so that nothing is pruned meanwhile; without one where the login may only read. */
async function reading<T>(
  runner: ResticRunner,
  signal: AbortSignal,
  act: (lock: readonly string[]) => Promise<T>,
): Promise<T> {
  try {
    return await whenUnlocked(runner, signal, () => act([]));
  } catch (error) {
    const cannotLock =
      error instanceof BackupError &&
      (error.kind === "denied" || error.kind === "cannot-write") &&
      /unable to create lock|Save\(<lock/.test(error.found);
    if (!cannotLock) throw error;
    return act(["--no-lock"]);
  }
}

function noSnapshot({ config }: ResticRunner, snapshot: string, doing: string): BackupError {
  return new BackupError({
    kind: "not-found",
    doing: `${doing} (repository ${config.name})`,
    found: `there is no snapshot ${snapshot}`,
    remedy: "list them by: ec2-backup list",
  });
}
