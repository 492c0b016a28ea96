import { BackupError } from "../core/errors.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { CaptureOrder, Engine, Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { storedPoints } from "../core/store-point.ts";
import type { Store } from "../core/store-ports.ts";
import { holdingSkewed } from "../core/store-skew.ts";
import { storedTags, tag } from "../core/store-tags.ts";
import type { FilesWish } from "../core/stored-wish.ts";

/** What an engine of files needs beside its repository. */
export interface ResticEngineOptions {
  readonly version: string;
  /** What the snapshots call this host. */
  readonly host: string;
  /** Of the removals, which are not cut short between a point and its marks. */
  readonly signal: AbortSignal;
}

/** The files of a job as recovery points of a repository: one snapshot of restic is a whole point. */
export function resticEngine(store: Store, options: ResticEngineOptions): Engine {
  const pointsWith = async (tags: readonly string[], signal: AbortSignal): Promise<RecoveryPoint[]> => {
    const { name: repository } = store.config;
    // Marks carry no tag of their point: one listing finds both.
    const snapshots = await store.snapshots([], signal);
    const wanted = storedPoints(snapshots, { repository });
    const ids = new Set(
      snapshots.filter((one) => tags.every((word) => one.tags.includes(word))).map(({ id }) => id),
    );
    return wanted.filter((point) => point.snapshots.some(({ id }) => ids.has(id)));
  };
  const find = async (pointId: string, signal: AbortSignal): Promise<RecoveryPoint | undefined> =>
    (await pointsWith([tag(tagKeys.point, pointId)], signal)).find(({ id }) => id === pointId);
  return {
    async prepare(order, signal) {
      const wish = wishOf(order);
      await store.open(signal);
      return {
        dropped: [],
        capture: (pointId, captured, within) =>
          capture(store, order, wish, { pointId, captured, within, options }, find),
        rehearse: async (_pointId, _captured, stop) => void (await store.open(stop)),
        warm: () => Promise.resolve(),
      };
    },
    find,
    mark: (point, marks) => (point.consistency === marks.consistency ? Promise.resolve() : refuse(point)),
    async list(scope, signal) {
      const wanted =
        "series" in scope ? tag(tagKeys.series, scope.series) : tag(tagKeys.instance, scope.instanceArn);
      const clock = await store.clock(signal);
      const now = new Date();
      const snapshots = await store.snapshots([wanted], signal);
      const points = await pointsWith([wanted], signal);
      const facts = { now, clock, longest: store.config.deadline };
      return { points: holdingSkewed(points, snapshots, facts), asOf: clock?.now ?? now };
    },
    withHolds: (points) => Promise.resolve(points),
    remove: (point) => remove(store, point, options.signal),
  };
}

function wishOf({ job }: CaptureOrder): FilesWish {
  if (job.stored?.files !== undefined) return job.stored.files;
  const doing = `save the files of the job ${job.name}`;
  throw new BackupError({ kind: "configuration", doing, found: "it has no files" });
}

interface Capture {
  readonly pointId: string;
  readonly captured: Date;
  readonly within: number | undefined;
  readonly options: ResticEngineOptions;
}

async function capture(
  store: Store,
  { job, instance, runId }: CaptureOrder,
  wish: FilesWish,
  { pointId, captured, within, options }: Capture,
  find: (pointId: string, signal: AbortSignal) => Promise<RecoveryPoint | undefined>,
): Promise<RecoveryPoint> {
  const signal = within === undefined ? new AbortController().signal : AbortSignal.timeout(within);
  const { exclude = [], excludeFile, oneFileSystem = false, excludeCaches = false, paths, tags = [] } = wish;
  const birth = {
    pointId,
    runId,
    job: job.name,
    instanceArn: instance.arn,
    ...(instance.name === undefined ? {} : { name: instance.name }),
    retention: job.retention,
    consistency: "crash" as const,
    version: options.version,
    subject: { content: "files" as const },
    tags,
  };
  const order = {
    tags: storedTags(birth),
    host: options.host,
    time: captured,
    paths,
    exclude,
    ...(excludeFile === undefined ? {} : { excludeFile }),
    oneFileSystem,
    excludeCaches,
  };
  const { id } = await store.saveFiles(order, () => undefined, signal);
  const point = await find(pointId, signal);
  if (point !== undefined) return point;
  const found = `the snapshot ${id} is made, and ${store.config.name} does not show it`;
  throw new BackupError({ kind: "unknown-outcome", doing: "read the stored point", found });
}

/** restic changes a tag by writing the snapshot anew, under another id, which an append-only server refuses. */
function refuse({ id }: RecoveryPoint): Promise<never> {
  const found = "a stored point is what its capture said";
  return Promise.reject(new BackupError({ kind: "refused", doing: `mark the point ${id}`, found }));
}

async function* remove(store: Store, point: RecoveryPoint, signal: AbortSignal): AsyncIterable<Removal> {
  const ids = point.snapshots.map(({ id }) => id);
  const forgotten = await store.forget([...ids, ...(point.stored?.markers ?? [])], signal);
  for (const { id, volumeId } of point.snapshots) {
    const { outcome = "failed", failure } = forgotten.find((one) => one.id === id) ?? {};
    yield { snapshotId: id, volumeId, outcome, ...(failure && { failure }) };
  }
}
