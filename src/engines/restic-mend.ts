import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import type { Unreadable } from "../core/store-answers.ts";
import { emptyFiles } from "../host/empty-files.ts";
import { type DatedClient, datedClient } from "../host/http-clock.ts";
import { restSnapshots } from "./rest-snapshots.ts";
import { localDirectory, restAddress } from "./restic-address.ts";
import { lockIds, locksOf, whenUnlocked } from "./restic-locks.ts";
import { refuseAppendOnly } from "./restic-refuse.ts";
import type { ResticRunner } from "./restic-runner.ts";
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
 * Removes the empty file of a snapshot that a save of this host has failed by. What it would have named was never told as
 * saved, and no save that fails leaves its snapshot there if it can help it: nobody loses what anybody counts on.
 */
async function clearUnconfirmed(runner: ResticRunner, id: string, stop: AbortSignal): Promise<boolean> {
  const name = runner.unconfirmed.names().find((one) => id.startsWith(one));
  if (name === undefined) return false;
  const doing = `clear what a save that failed has left (repository ${runner.config.name})`;
  if (runner.config.appendOnly) refuseAppendOnly(runner, doing);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
  return withEmpty(runner, doing, signal, async (files) => {
    const file = files.find((one) => one.id.startsWith(name));
    if (file === undefined) return false;
    const why = await leftBecause(runner, file, signal);
    if (why !== undefined) throw new BackupError({ kind: "refused", doing, found: `it was left: ${why}` });
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
  if (await canBeRead(runner, ["index", whole, "--no-cache"], signal))
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

async function canBeRead(
  runner: ResticRunner,
  words: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const call = { doing: "look at a file", words: ["cat", ...words, "--no-lock"] };
  return (await runner.run({ ...call, accept: ({ code }) => code === 1 }, signal)).code === 0;
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
            : `${file} was left: ${why}`,
        );
      } catch (error) {
        if (signal.aborted && told.length === 0) throw error;
        told.push(`${file} could not be removed: ${sentenceOf(failureOf(error, "remove it"))}`);
      }
    }
    return told;
  });
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
  if (local !== undefined) return act(await emptyFiles(`${local}/snapshots`, snapshotId));
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
  if (now.headers["content-length"] !== "0") return false;
  const { status } = await client.ask({ method: "DELETE", url }, signal);
  if (status === 200 || status === 204 || status === 404) return true;
  throw new BackupError({ kind: "refused", doing: "remove it", found: `the server answered ${status}` });
}

/** Removes it, or tells why it is left. */
async function leftBecause(
  runner: ResticRunner,
  { id, remove }: Empty,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (await canBeRead(runner, ["snapshot", id], signal))
    return `this host's cache has the whole of it, ${runner.ground.owner.cacheDirectory}`;
  if (await isAtWork(runner, signal)) return "somebody is at work in the repository";
  return (await remove()) ? undefined : "it is empty no more";
}

/** Whoever may be writing one at this moment holds a lock; one that cannot be read is somebody's. */
async function isAtWork(runner: ResticRunner, signal: AbortSignal): Promise<boolean> {
  const dead = (await locksOf(runner, signal)).filter((one) => one.dead).map(({ id }) => id);
  return (await lockIds(runner, signal)).some((id) => !dead.includes(id));
}
