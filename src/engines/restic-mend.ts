import { BackupError } from "../core/errors.ts";
import type { UnreadableFile } from "../core/store-answers.ts";
import { datedClient } from "../host/http-clock.ts";
import { removeEmpty } from "../host/remove-empty.ts";
import { restSnapshots } from "./rest-snapshots.ts";
import { locksOf, whenUnlocked } from "./restic-locks.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { snapshotId } from "./restic-snapshots.ts";

/** Milliseconds for listing and removing. */
const patience = 60_000;
/** Before it, repairing an index had a name of its own. The minor version of restic 0. */
const repairSince = 16;

/**
 * Clears what a server that writes its files in place leaves when it dies, or one that had not written to its disk what
 * it had accepted. An index is made anew of the data that it tells of. Of snapshots only empty files go: they hold
 * nothing, and as long as one is there restic neither prunes nor saves beside it. Anything else is left to people.
 * Tells what was cleared, in words.
 */
export async function mend(
  runner: ResticRunner,
  what: UnreadableFile,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (runner.config.appendOnly) return [];
  return what === "index" ? repairIndex(runner, signal) : clearEmpty(runner, signal);
}

async function repairIndex(runner: ResticRunner, signal: AbortSignal): Promise<readonly string[]> {
  const words = runner.ground.program.minor < repairSince ? ["rebuild-index"] : ["repair", "index"];
  await whenUnlocked(runner, signal, () => runner.run({ doing: "repair the index", words }, signal));
  return ["a file of its index could not be read, and the index was made anew of the data"];
}

async function clearEmpty(runner: ResticRunner, stop: AbortSignal): Promise<readonly string[]> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
  // Whoever is writing one at this moment holds a lock.
  if ((await locksOf(runner, signal)).some(({ dead }) => !dead)) return [];
  const { access, config } = runner.ground;
  const url = access.repository;
  const local = /^(?:local:)?(\/.*)$/.exec(url)?.[1];
  const cleared = url.startsWith("rest:")
    ? await removeOverHttp(new URL(url.slice("rest:".length)), config.cacert, signal)
    : local === undefined
      ? []
      : await removeEmpty(`${local}/snapshots`, snapshotId);
  return cleared.map(
    (id) =>
      `the file of snapshot ${id.slice(0, 8)} was empty, as a server leaves it that dies, and was removed`,
  );
}

async function removeOverHttp(
  repository: URL,
  cacert: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const client = await datedClient(cacert);
  const removed: string[] = [];
  try {
    const { files = [] } = (await restSnapshots(client, repository, signal)) ?? {};
    for (const { name, url } of files.filter(({ size }) => size === 0)) {
      const { status } = await client.ask({ method: "DELETE", url }, signal);
      if (status !== 200 && status !== 204) throw refused(name, status);
      removed.push(name);
    }
    return removed;
  } finally {
    client.close();
  }
}

function refused(id: string, status: number): BackupError {
  const doing = `remove the empty file of snapshot ${id.slice(0, 8)}`;
  return new BackupError({ kind: "refused", doing, found: `the server answered ${status}` });
}
