import { BackupError } from "../core/errors.ts";
import type { Initialize } from "../core/restore-query.ts";
import type { RestoredVolume } from "../core/restore-result.ts";
import { type RestoreDeps, until } from "./restore-deps.ts";

/** Has all blocks read, so that no reader waits for one. The volumes can be used all the while. */
export async function initialize(
  how: Initialize,
  volumes: readonly RestoredVolume[],
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  return how === "rate" ? whenInitialized(volumes, deps, signal) : readAll(volumes, deps, signal);
}

async function whenInitialized(
  volumes: readonly RestoredVolume[],
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const ids = volumes.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const doing = "wait for EC2 to read all blocks from the snapshots";
  await until(doing, deps.waits.initializeFor, deps, signal, async (elapsed) => {
    const done = await deps.volumes.initialized(ids, signal);
    const silent = ids.filter((id) => !done.has(id));
    if (silent.length > 0 && elapsed > deps.waits.availableFor) throw untold(silent, doing);
    const percent = ids.reduce((sum, id) => sum + (done.get(id) ?? 0), 0) / Math.max(1, ids.length);
    deps.progress({ percent, doing: `EC2 reads the blocks of ${ids.length} volumes` });
    return ids.every((id) => (done.get(id) ?? 0) >= 100) || undefined;
  });
}

/** EC2 tells nothing of volumes that were made without a rate, such as those of an earlier command; nor later. */
function untold(ids: readonly string[], doing: string): BackupError {
  return new BackupError({
    kind: "refused",
    doing,
    found: `EC2 says nothing of ${ids.join(", ")}, as of volumes that were made without --initialize and a rate`,
    remedy: "read them here with --initialize read, or add --label WORD to make others at that rate",
  });
}

async function readAll(
  volumes: readonly RestoredVolume[],
  { disks, clock, progress }: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  const paths = volumes.flatMap(({ disk }) => (disk === undefined ? [] : [disk]));
  for (const [index, disk] of paths.entries()) {
    const start = clock.elapsed();
    await disks.readAll(
      disk,
      (read, of) => {
        const seconds = (clock.elapsed() - start) / 1000;
        progress({
          percent: ((index + (of > 0 ? read / of : 1)) / paths.length) * 100,
          doing: `reading ${disk}`,
          ...(seconds > 0 ? { rate: read / seconds } : {}),
        });
      },
      signal,
    );
  }
}
