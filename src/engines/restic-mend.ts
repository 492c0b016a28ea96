import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
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

/**
 * Makes the index anew of the data, which restic removes only when the new one is there. Only where the file is the
 * repository's own that cannot be read: an older restic believes a damaged copy in its cache.
 */
export async function repairIndex(runner: ResticRunner, id: string, signal: AbortSignal): Promise<boolean> {
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
  refuseAppendOnly(runner, "remove empty files of snapshots");
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
  const { access, config } = runner.ground;
  const local = localDirectory(access.repository);
  if (local !== undefined) return removed(runner, await emptyFiles(`${local}/snapshots`, snapshotId), signal);
  const rest = restAddress(access.repository);
  if (rest === undefined)
    throw new BackupError({
      kind: "refused",
      doing: `remove empty files of snapshots (repository ${config.name})`,
      found: "it is neither a directory nor behind a REST server",
      remedy: "remove the empty file from its directory snapshots there",
    });
  const client = await datedClient(config.cacert);
  try {
    return await removed(runner, await emptyOverHttp(client, rest, signal), signal);
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

async function removed(
  runner: ResticRunner,
  empty: readonly Empty[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const told: string[] = [];
  for (const { id, remove } of empty) {
    const file = `the empty file of snapshot ${id}`;
    try {
      if (await canBeRead(runner, ["snapshot", id], signal))
        told.push(
          `${file} was left: this host's cache has the whole of it, ${runner.ground.owner.cacheDirectory}`,
        );
      else if (await isAtWork(runner, signal))
        told.push(`${file} was left: somebody is at work in the repository`);
      else if (await remove())
        told.push(
          `${file} was removed; until the next prune \`restic recover\` finds what it may have named`,
        );
    } catch (error) {
      if (signal.aborted && told.length === 0) throw error;
      told.push(`${file} could not be removed: ${sentenceOf(failureOf(error, "remove it"))}`);
    }
  }
  return told;
}

/** Whoever may be writing one at this moment holds a lock; one that cannot be read is somebody's. */
async function isAtWork(runner: ResticRunner, signal: AbortSignal): Promise<boolean> {
  const dead = (await locksOf(runner, signal)).filter((one) => one.dead).map(({ id }) => id);
  return (await lockIds(runner, signal)).some((id) => !dead.includes(id));
}
