import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import { unreadableIn } from "../core/mending.ts";
import type { Unreadable } from "../core/store-answers.ts";
import { emptyFiles } from "../host/empty-files.ts";
import { type DatedClient, datedClient } from "../host/http-clock.ts";
import { within } from "../host/within.ts";
import { restSnapshots } from "./rest-snapshots.ts";
import { localDirectory, restAddress } from "./restic-address.ts";
import { holdersOf, lockIds, locksOf, whenUnlocked } from "./restic-locks.ts";
import { complaintIn } from "./restic-messages.ts";
import { refuseAppendOnly } from "./restic-refuse.ts";
import type { ResticCall, ResticRunner } from "./restic-runner.ts";
import { snapshotId } from "./restic-snapshots.ts";

/** Milliseconds for listing and removing. */
const patience = 60_000;
/** Before it, repairing an index had a name of its own. The minor version of restic 0. */
const repairSince = 16;

/** Mends what hangs on one file, as {@link Store.mend} says. */
export function mend(runner: ResticRunner, { kind, id }: Unreadable, signal: AbortSignal): Promise<boolean> {
  return kind === "index" ? repairIndex(runner, id, signal) : clearUnconfirmed(runner, id, signal);
}

/**
 * Removes the empty file of a snapshot that a save of this host has failed by. It was never told as saved, and was sent
 * once, of which nothing arrived. What cannot be looked at past restic is left to people.
 */
async function clearUnconfirmed(runner: ResticRunner, id: string, stop: AbortSignal): Promise<boolean> {
  const name = runner.unconfirmed.names().find((one) => id.startsWith(one));
  const { repository } = runner.ground.access;
  if (name === undefined || !canLookInto(repository)) return false;
  const doing = `clear what a save that failed has left (repository ${runner.config.name})`;
  if (runner.config.appendOnly) refuseAppendOnly(runner, doing);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
  return withEmpty(runner, doing, signal, async (files) => {
    const file = files.find((one) => one.id.startsWith(id));
    if (file === undefined) return false;
    const why = await leftBecause(runner, file, signal);
    if (why !== undefined) throw new BackupError({ kind: "refused", doing, ...why });
    runner.unconfirmed.drop(name);
    return true;
  });
}

/**
 * Makes the index anew of the data, which restic removes only when the new one is there. Only where the file is the
 * repository's own that cannot be read: an older restic believes a damaged copy in its cache.
 */
async function repairIndex(runner: ResticRunner, id: string, signal: AbortSignal): Promise<boolean> {
  const doing = "repair the index";
  if (runner.config.appendOnly) refuseAppendOnly(runner, doing);
  const ids: string[] = [];
  const line = (text: string): void => void (snapshotId.test(text) && ids.push(text));
  await runner.run({ doing, words: ["list", "index", "--no-lock"], line }, signal);
  const whole = ids.find((one) => one.startsWith(id));
  if (whole === undefined) return false;
  if (await canBeRead(runner, { kind: "index", id: whole }, signal, "--no-cache"))
    throw new BackupError({
      kind: "refused",
      doing: `${doing} (repository ${runner.config.name})`,
      found: "the file can be read there, and its copy in this host's cache is damaged",
      remedy: `remove ${runner.ground.owner.cacheDirectory}, which is made anew`,
    });
  const words = runner.ground.program.minor < repairSince ? ["rebuild-index"] : ["repair", "index"];
  await whenUnlocked(runner, signal, () => runner.run({ doing, words }, signal));
  return true;
}

/** Throws where it is not the file itself that keeps restic from reading it. */
async function canBeRead(
  runner: ResticRunner,
  { kind, id }: Unreadable,
  signal: AbortSignal,
  ...more: readonly string[]
): Promise<boolean> {
  let damaged = false;
  const call: ResticCall = {
    doing: `look at ${kind} ${id.slice(0, 8)}`,
    words: ["cat", kind, id, "--no-lock", ...more],
    complaint(line) {
      if (isSaidOf(id, complaintIn(line))) damaged = true;
    },
    accept: ({ code }) => code === 1 && damaged,
  };
  return (await runner.run(call, signal)).code === 0;
}

function isSaidOf(id: string, line: string): boolean {
  const said = unreadableIn(line);
  return said !== undefined && id.startsWith(said.id);
}

/** An empty file of a snapshot, and how it goes. */
interface Empty {
  readonly id: string;
  /** Whether it went, or was gone; not if it is empty no more. */
  remove(): Promise<boolean>;
}

/** Removes the empty files of snapshots one after the other; what became of each, in words. */
export async function removeEmpty(runner: ResticRunner, stop: AbortSignal): Promise<readonly string[]> {
  const doing = "remove empty files of snapshots";
  refuseAppendOnly(runner, doing);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
  return withEmpty(runner, doing, signal, async (files) => {
    const told: string[] = [];
    for (const one of files) {
      const file = `the empty file of snapshot ${one.id}`;
      try {
        const why = await leftBecause(runner, one, signal);
        told.push(
          why === undefined
            ? `${file} was removed; until the next prune \`restic recover\` finds what it may have named`
            : `${file} was left: ${why.found}`,
        );
      } catch (error) {
        if (signal.aborted && told.length === 0) throw error;
        told.push(`${file} could not be removed: ${sentenceOf(failureOf(error, "remove it"))}`);
      }
    }
    return told;
  });
}

function canLookInto(repository: string): boolean {
  return localDirectory(repository) !== undefined || restAddress(repository) !== undefined;
}

/** Looks for the empty files of snapshots, past restic: in the directory or by way of the REST server. */
async function withEmpty<T>(
  { ground, config }: ResticRunner,
  doing: string,
  signal: AbortSignal,
  act: (files: readonly Empty[]) => Promise<T>,
): Promise<T> {
  const { repository } = ground.access;
  const local = localDirectory(repository);
  if (local !== undefined) {
    // Below it may be a server that does not answer, which no signal reaches.
    const files = await within(patience, emptyFiles(`${local}/snapshots`, snapshotId), undefined);
    if (files !== undefined) return act(files);
    throw new BackupError({ kind: "unreachable", doing, found: `${local} does not answer` });
  }
  const rest = restAddress(repository);
  if (rest === undefined)
    throw new BackupError({
      kind: "refused",
      doing: `${doing} (repository ${config.name})`,
      found: "it is neither a directory nor behind a REST server",
      remedy: "remove the empty file from its directory snapshots there",
    });
  const client = await datedClient(config.cacert);
  try {
    return await act(await emptyOverHttp(client, rest, signal));
  } finally {
    client.close();
  }
}

async function emptyOverHttp(
  client: DatedClient,
  repository: URL,
  signal: AbortSignal,
): Promise<readonly Empty[]> {
  const { files = [] } = (await restSnapshots(client, repository, signal)) ?? {};
  return files
    .filter(({ size }) => size === 0)
    .map(({ name: id, url }) => ({ id, remove: () => removeOverHttp(client, url, signal) }));
}

async function removeOverHttp(client: DatedClient, url: URL, signal: AbortSignal): Promise<boolean> {
  const now = await client.ask({ method: "HEAD", url }, signal);
  if (now.status === 404) return true;
  if (now.status !== 200) throw answered(now.status);
  if (now.headers["content-length"] !== "0") return false;
  const { status } = await client.ask({ method: "DELETE", url }, signal);
  if (status === 200 || status === 204 || status === 404) return true;
  throw answered(status);
}

function answered(status: number): BackupError {
  return new BackupError({ kind: "refused", doing: "remove it", found: `the server answered ${status}` });
}

/** Removes it, or tells why it is left. */
async function leftBecause(
  runner: ResticRunner,
  { id, remove }: Empty,
  signal: AbortSignal,
): Promise<{ readonly found: string; readonly remedy?: string } | undefined> {
  const { ground, config } = runner;
  if (await canBeRead(runner, { kind: "snapshot", id }, signal))
    return {
      found: `this host's cache has the whole of it, ${ground.owner.cacheDirectory}`,
      remedy: "bring it back from there",
    };
  const holders = await atWork(runner, signal);
  if (holders !== undefined)
    return {
      found: `somebody is at work in the repository${holders}`,
      remedy: `wait, or if that process is gone: ec2-backup repository unlock ${config.name}`,
    };
  return (await remove()) ? undefined : { found: "it is empty no more" };
}

/** Whoever may be writing one at this moment holds a lock; one that cannot be read is somebody's. */
async function atWork(runner: ResticRunner, signal: AbortSignal): Promise<string | undefined> {
  const locks = await locksOf(runner, signal);
  const dead = locks.filter((one) => one.dead).map(({ id }) => id);
  if ((await lockIds(runner, signal)).every((id) => dead.includes(id))) return undefined;
  const holders = holdersOf(locks.filter((one) => !one.dead));
  return holders.length === 0 ? "" : `: ${holders.join("; ")}`;
}
