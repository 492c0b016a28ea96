import { BackupError, failureOf } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import { unreadableIn } from "../core/mending.ts";
import type { CheckResult, Forgotten, Unreadable } from "../core/store-answers.ts";
import { markedBy } from "../core/store-point.ts";
import type { StoredSnapshot, StoreProgress } from "../core/store-ports.ts";
import { whenUnlocked } from "./restic-locks.ts";
import { messageOf, textIn } from "./restic-messages.ts";
import { refuseAppendOnly } from "./restic-refuse.ts";
import type { ResticCall, ResticRunner } from "./restic-runner.ts";
import { snapshotId, snapshotsOf } from "./restic-snapshots.ts";

type Tell = (progress: StoreProgress) => void;

/** Ids in one call: the words of a process are bounded. */
const atOnce = 200;

/** Forgets snapshots by their whole ids. What became of each is looked up afterwards, not believed. */
export async function forget(
  runner: ResticRunner,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Forgotten[]> {
  if (ids.length === 0) return [];
  const doing = `forget ${ids.length} snapshot${ids.length === 1 ? "" : "s"}`;
  refuseAppendOnly(runner, doing);
  const odd = ids.find((id) => !snapshotId.test(id));
  if (odd !== undefined)
    throw new BackupError({ kind: "unexpected", doing, found: `${odd} is no whole id of a snapshot` });
  const listed = await snapshotsOf(runner, [], signal);
  const before = new Set(listed.map(({ id }) => id));
  const there = listed.filter(({ id }) => ids.includes(id));
  if (there.length === 0) return ids.map((id) => ({ id, outcome: "was-gone" }));
  const run = forgetting(runner, doing, signal);
  const points = there.filter((one) => markedBy(one) === undefined);
  let failure = await run(points.map(({ id }) => id));
  let after = await leftAfter(runner, failure, signal);
  // Without its marker a snapshot would stand for a whole one: the marker goes last, and only if the snapshot is gone.
  const free = there.filter((one) => isFree(one, after)).map(({ id }) => id);
  failure ??= await run(free);
  if (free.length > 0) after = await leftAfter(runner, failure, signal);
  const left = new Set(after.map(({ id }) => id));
  const why = failureOf(failure ?? stayed(runner, doing), doing);
  return ids.map((id) => {
    if (!before.has(id)) return { id, outcome: "was-gone" };
    return left.has(id) ? { id, outcome: "failed", failure: why } : { id, outcome: "removed" };
  });
}

/** Whether it marks nothing that is still there. */
function isFree(marker: StoredSnapshot, left: readonly StoredSnapshot[]): boolean {
  const marked = markedBy(marker);
  return marked !== undefined && !left.some(({ id, original }) => id === marked || original === marked);
}

/** Forgets some at a time, as long as none is refused; gives the refusal. */
function forgetting(runner: ResticRunner, doing: string, signal: AbortSignal) {
  return async (ids: readonly string[]): Promise<unknown> => {
    for (const some of inGroups(ids, atOnce)) {
      const words = ["forget", "--", ...some];
      try {
        await whenUnlocked(runner, signal, () => runner.run({ doing, words }, signal));
      } catch (error) {
        return error;
      }
    }
    return undefined;
  };
}

async function leftAfter(
  runner: ResticRunner,
  failure: unknown,
  signal: AbortSignal,
): Promise<readonly StoredSnapshot[]> {
  try {
    return await snapshotsOf(runner, [], signal);
  } catch (error) {
    throw failure ?? error;
  }
}

function stayed({ config }: ResticRunner, doing: string): BackupError {
  const found = `restic ended well, and it is still there in ${config.name}`;
  return new BackupError({ kind: "refused", doing, found });
}

/** Removes data that no snapshot needs. */
export async function prune(
  runner: ResticRunner,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ readonly freedBytes?: number }> {
  refuseAppendOnly(runner, "prune");
  let freed: number | undefined;
  const call: ResticCall = {
    doing: "prune",
    words: ["prune"],
    line(line) {
      const total = /^total prune:\s+\d+ blobs \/ ([\d.]+ \w+)/.exec(line)?.[1];
      if (total !== undefined) freed = bytesOf(total);
      tellStep("prune", line, tell);
    },
  };
  await whenUnlocked(runner, signal, () => runner.run(call, signal));
  return freed === undefined ? {} : { freedBytes: freed };
}

const units: Readonly<Record<string, number>> = { B: 0, KiB: 1, MiB: 2, GiB: 3, TiB: 4, PiB: 5 };

function bytesOf(text: string): number | undefined {
  const [number = "", unit = ""] = text.split(" ");
  const power = units[unit];
  return power === undefined ? undefined : Math.round(Number(number) * 1024 ** power);
}

/** `[0:05] 50.00%  2 / 4 packs` */
function tellStep(what: StoreProgress["what"], line: string, tell: Tell): void {
  const [, done, total] = /^\[[\d:]+\]\s+[\d.]+%\s+(\d+) \/ (\d+)/.exec(line) ?? [];
  if (done !== undefined) tell({ what, filesDone: Number(done), filesTotal: Number(total) });
}

/** What restic ends with when it has checked, and found something. */
const unsound = /repository contains errors|LoadIndex returned errors|contains errors/i;

/** Checks the structure, and reads one part of the data. Errors of the repository are a result; others are thrown. */
export async function check(
  runner: ResticRunner,
  part: { readonly part: number; readonly of: number } | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<CheckResult> {
  const read = part === undefined ? undefined : `${part.part}/${part.of}`;
  const errors: string[] = [];
  let found = false;
  let unreadable: Unreadable | undefined;
  const noted = runner.unconfirmed.names();
  const call: ResticCall = {
    doing: read === undefined ? "check" : `check, and read part ${read} of the data`,
    words: ["check", ...(read === undefined ? [] : [`--read-data-subset=${read}`])],
    line: (line) => tellStep("check", line, tell),
    complaint(line) {
      const message = messageOf(line);
      const text = runner.conceal(message === undefined ? line : (textIn(message, "message") ?? line));
      unreadable ??= unreadableIn(text);
      if (unsound.test(text)) found = true;
      else if (errors.length < 1_000) errors.push(text.slice(0, 500));
    },
    accept: ({ code }) => code === 1 && found,
  };
  await whenUnlocked(runner, signal, () => {
    errors.length = 0;
    unreadable = undefined;
    return runner.run(call, signal);
  });
  // Nothing is left of what these were.
  if (!found) for (const name of noted) runner.unconfirmed.drop(name);
  return {
    sound: !found,
    errors: found && errors.length === 0 ? ["restic does not say what"] : found ? errors : [],
    ...(unreadable === undefined || !found ? {} : { unreadable }),
    ...(read === undefined ? {} : { read }),
  };
}
