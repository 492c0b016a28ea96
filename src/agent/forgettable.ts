import type { FormerContent } from "../actions/prune.ts";
import { BackupError } from "../core/errors.ts";
import { restorableVolumes } from "../core/recovery-point.ts";
import type { StoredWish } from "../core/stored-wish.ts";
import { openReading, storedOf } from "./reading.ts";
import type { AgentOptions } from "./wish.ts";

/** Refuses to give up a volume that is still there; `forget` is for those that are gone. */
export async function forgettable(
  volume: string,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly jobs: readonly string[]; readonly former: readonly FormerContent[] }> {
  const opened = await openReading(options, signal);
  const { session, force } = opened;
  const { instance, volumes } = session.discovery;
  if (volumes.some((one) => one.id === volume)) {
    throw new BackupError({
      kind: "usage",
      doing: `forget ${volume}`,
      found: `it is attached to ${instance.id}`,
      remedy: "leave it out with the tag Backup=no or volumes.exclude and detach it first",
    });
  }
  const { points: regular, images = [] } = await session.engine.list({ instanceArn: instance.arn }, signal);
  const stored = await storedOf(opened, options, signal);
  const [unasked] = stored.problems;
  if (unasked !== undefined && !volume.startsWith("vol-")) throw new BackupError(unasked);
  const still = force.jobs.find(({ stored: wish }) => stores(wish, volume));
  if (still !== undefined) {
    throw new BackupError({
      kind: "usage",
      doing: `forget ${volume}`,
      found: `the job ${still.name} stores it`,
      remedy: "take it out of the job first; what is still made keeps its newest point",
    });
  }
  const all = [...regular, ...images, ...stored.points];
  const jobs = new Set(
    all.filter((point) => restorableVolumes(point).includes(volume)).map((point) => point.job),
  );
  if (jobs.size === 0) {
    throw new BackupError({
      kind: "not-found",
      doing: `forget ${volume}`,
      found: `no recovery point of ${instance.id} contains it`,
    });
  }
  // Of a dump that is still made, parts that are not found any more go by the rules.
  const isPart = force.jobs.some(({ stored: wish }) =>
    wish?.dumps.some(({ name }) => volume.startsWith(`dump/${name}/`)),
  );
  if (isPart) return { jobs: [...jobs], former: [] };
  const repositories = new Set(
    stored.points
      .filter((point) => restorableVolumes(point).includes(volume))
      .map((one) => one.stored?.repository),
  );
  const former = [...repositories].flatMap((repository) =>
    repository === undefined ? [] : [{ source: volume, repository }],
  );
  return { jobs: [...jobs], former };
}

/** Whether a job is still to store what is called so: `files`, or a dump or a part of one. */
function stores(wish: StoredWish | undefined, volume: string): boolean {
  if (wish === undefined) return false;
  return volume === "files"
    ? wish.files !== undefined
    : wish.dumps.some(({ name }) => volume === `dump/${name}`);
}
