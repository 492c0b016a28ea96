import { BackupError } from "../core/errors.ts";
import { mending, unreadableOf } from "../core/mending.ts";
import type { Removal } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { snapshotIdsOf, storedPoints } from "../core/store-point.ts";
import type { Saved, SaveOrder, Store, StreamSource } from "../core/store-ports.ts";
import { holdingSkewed, removalClock } from "../core/store-skew.ts";
import { memberOf, storedSeries, storedTags, tag } from "../core/store-tags.ts";
import type { MadePoint, StoredEngine, StoredListing, StoredOrder } from "../core/stored-ports.ts";
import type { FilesWish } from "../core/stored-wish.ts";
import { leave } from "./dry-run.ts";

/** What an engine of a repository needs beside it. */
export interface ResticEngineOptions {
  readonly version: string;
  /** What the snapshots call this host. */
  readonly host: string;
  /** This host's clock. */
  readonly now: () => Date;
  /** Whether other repositories are copied into this one. */
  readonly copies: boolean;
  /** Its hands are tied: it removes nothing, and says so. */
  readonly planned: boolean;
  /** Of captures, which take hours, and of removals, which are not cut short between a point and its marks. */
  readonly signal: AbortSignal;
}

/** What a job stores in a repository as recovery points: one snapshot of restic is a whole point. */
export function resticEngine(store: Store, options: ResticEngineOptions): StoredEngine {
  return {
    prepare: (order) =>
      Promise.resolve({
        dropped: [],
        capture: (pointId, captured, within) => capture(store, order, { pointId, captured, within }, options),
        rehearse: async (_pointId, _captured, stop) => void (await store.open(stop)),
        warm: () => Promise.resolve(),
      }),
    async find(pointId, signal) {
      // Marks carry no tag of their point: one listing finds both.
      const points = storedPoints(await store.snapshots([], signal), { repository: store.config.name });
      return points.find(({ id }) => id === pointId);
    },
    mark: (point, marks) => (point.consistency === marks.consistency ? Promise.resolve() : refuse(point)),
    list: (scope, signal) => {
      const isWanted = (series: string) =>
        "series" in scope ? series === scope.series : series.startsWith(`${scope.instanceArn}/`);
      return list(store, isWanted, options, signal);
    },
    withHolds: (points) => Promise.resolve(points),
    remove: (point) => (options.planned ? leave(point) : remove(store, point, options.signal)),
  };
}

interface Capture {
  readonly pointId: string;
  readonly captured: Date;
  readonly within: number | undefined;
}

async function capture(
  store: Store,
  order: StoredOrder,
  { pointId, captured, within }: Capture,
  { version, host, signal: stop }: ResticEngineOptions,
): Promise<MadePoint> {
  const signal = within === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(within)]);
  const { job, instance, runId, subject, what, policy, tags, facts } = order;
  const consistency = order.consistency();
  const birth = {
    pointId,
    runId,
    job: job.name,
    instanceArn: instance.arn,
    ...(instance.name === undefined ? {} : { name: instance.name }),
    retention: policy,
    consistency,
    version,
    subject,
    tags,
  };
  // restic is told whole seconds.
  const time = new Date(Math.floor(captured.getTime() / 1000) * 1000);
  const known = Object.entries(facts).map(([key, value]) => tag(`ec2-backup:${key}`, value));
  const save = { tags: [...storedTags(birth), ...known], host, time };
  const saved =
    "files" in what
      ? await saveFiles(store, what.files, save, order, signal)
      : await saveStream(store, what.stream, save, order, signal);
  const volumeId = memberOf(subject);
  return {
    id: pointId,
    run: runId,
    job: job.name,
    series: storedSeries(instance.arn, job.name, subject),
    instanceArn: instance.arn,
    ...(instance.name === undefined ? {} : { name: instance.name }),
    state: saved.unread.length > 0 ? "partial" : "complete",
    captured: time,
    consistency,
    snapshots: [
      {
        id: saved.id,
        volumeId,
        state: "completed",
        startTime: time,
        volumeSizeGiB: 0,
        fullSizeBytes: saved.bytes,
        encrypted: true,
        archived: false,
        tags: {},
      },
    ],
    recipe: [{ volumeId }],
    policy,
    holds: [],
    saved,
  };
}

async function saveFiles(
  store: Store,
  { paths, exclude = [], excludeFile, oneFileSystem = false, excludeCaches = false }: FilesWish,
  save: SaveOrder,
  { tell, mended }: StoredOrder,
  signal: AbortSignal,
): Promise<Saved> {
  const named = excludeFile === undefined ? {} : { excludeFile };
  const files = { ...save, paths, exclude, ...named, oneFileSystem, excludeCaches };
  const act = (afresh: boolean) =>
    mending(
      [store],
      () => store.saveFiles({ ...files, ...(afresh && { afresh }) }, tell, signal),
      mended,
      signal,
    );
  try {
    return await act(false);
  } catch (error) {
    const unreadable = unreadableOf(error);
    if (unreadable?.kind !== "snapshot") throw error;
    // A backup does not wait for somebody to look into what is damaged.
    const saved = await act(true);
    mended(store.config.name, `snapshot ${unreadable.id} cannot be read, so all files were read afresh`);
    return saved;
  }
}

/** One that ends well and is empty is no dump, whatever its program said. */
async function saveStream(
  store: Store,
  stream: StreamSource,
  save: SaveOrder,
  { tell, subject, mended }: StoredOrder,
  signal: AbortSignal,
): Promise<Saved> {
  const saved = await mending([store], () => store.saveStream(save, stream, tell, signal), mended, signal);
  if (saved.bytes > 0) return saved;
  await store.markPartial(saved.id, [{ path: `/${stream.file}`, found: "the dump is empty" }], save, signal);
  throw new BackupError({
    kind: "unexpected",
    doing: `store ${memberOf(subject)}`,
    found: "its program ended well and printed nothing",
    remedy: "what was stored is marked as partial; run the program by hand and look at what it prints",
    code: "EmptyDump",
  });
}

/** restic changes a tag by writing the snapshot anew, under another id, which an append-only server refuses. */
function refuse({ id }: RecoveryPoint): Promise<never> {
  const found = "a stored point is what its capture said";
  return Promise.reject(new BackupError({ kind: "refused", doing: `mark the point ${id}`, found }));
}

/** The points of the wanted series, judged by the store's own clock. */
async function list(
  store: Store,
  isWanted: (series: string) => boolean,
  { now, copies }: ResticEngineOptions,
  signal: AbortSignal,
): Promise<StoredListing> {
  const { name: repository, deadline: longest } = store.config;
  // One listing for all series: of several tags restic takes what carries all of them, and markers carry none.
  const snapshots = (await store.snapshots([], signal)).filter((one) => one.tags.length > 0);
  const clock = await store.clock(signal);
  const known = storedPoints(snapshots, { repository, ...(clock && { clock }) });
  const own = known.filter((point) => isWanted(point.series));
  const host = now();
  const points = holdingSkewed(own, snapshots, { now: host, clock, longest, copies });
  const verdict = removalClock(repository, host, clock);
  if (!verdict.ok) return { points, asOf: clock?.now ?? host, refusal: verdict.failure };
  return { points, asOf: verdict.asOf, ...(verdict.notice && { notice: verdict.notice }) };
}

/** A point has one snapshot; its twins and what marks it go with it. */
async function* remove(store: Store, point: RecoveryPoint, signal: AbortSignal): AsyncIterable<Removal> {
  const forgotten = await store.forget(snapshotIdsOf(point), signal);
  // While a twin is there, so is the point.
  const left = forgotten.find(
    (one) => point.stored?.twins?.includes(one.id) === true && one.outcome === "failed",
  );
  for (const { id, volumeId } of point.snapshots) {
    const { outcome = "failed", failure } = left ?? forgotten.find((one) => one.id === id) ?? {};
    yield { snapshotId: id, volumeId, outcome, ...(failure && { failure }) };
  }
}
