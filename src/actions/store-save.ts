import type { DumpConfig, DumpStream } from "../core/dump-config.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { HookFacts } from "../core/hook.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Consistency } from "../core/retention-policy.ts";
import type { Saved, SaveOrder, Store } from "../core/store-ports.ts";
import { memberOf, storedTags, tag } from "../core/store-tags.ts";
import type { FilesWish } from "../core/stored-wish.ts";
import type { HoldRecord, HookUse, Quiesced } from "./quiesce.ts";
import type { Round, StoredLine, StoredThing } from "./store-things.ts";

/** What is about to be made. */
export interface Making {
  readonly thing: StoredThing;
  readonly line: StoredLine;
  readonly pointId: string;
}

interface Made {
  readonly point: RecoveryPoint;
  readonly saved: Saved;
}

/** Saves the files of a job, with its command hooks held around the reading. */
export async function saveFiles(wish: FilesWish, making: Making, store: Store, round: Round): Promise<Made> {
  const { stores, signal, deps } = round;
  const { exclude = [], excludeFile, oneFileSystem = false, excludeCaches = false, paths, tags = [] } = wish;
  const uses = await commandHooks(round);
  const tell = (progress: Parameters<typeof stores.progress>[1]) => stores.progress("files", progress);
  const save = async (consistency: Consistency): Promise<Made> => {
    const order = orderOf(making, consistency, tags, round);
    const files = {
      ...order,
      paths,
      exclude,
      ...(excludeFile === undefined ? {} : { excludeFile }),
      oneFileSystem,
      excludeCaches,
    };
    const saved = await noted(making, round, () => store.saveFiles(files, tell, signal));
    return { point: pointOf(making, order.time, consistency, saved, round), saved };
  };
  if (uses.length === 0) return save("crash");
  const { quiesced } = await import("./quiesce.ts");
  let consistency: Consistency = "crash";
  const tools = {
    clock: deps.clock,
    facts: hookFacts(round),
    rehearse: nothing,
    lookAgain: nothing,
    warm: nothing,
    sync: nothing,
    // Asked last when all is held that could be.
    enough: (records: readonly HoldRecord[]) => {
      const silent = uses.filter(({ raises }) => !raises).map(({ use }) => use.hook.name);
      const loud = records.filter(({ hook }) => !silent.includes(hook));
      const all = loud.length > 0 && loud.every(({ outcome }) => outcome === "held");
      consistency = all ? "application" : "crash";
    },
  };
  const held = uses.map(({ use }) => use);
  const quiet = await quiesced(held, tools, signal, () => save(consistency));
  return judged(quiet, making, store, round);
}

const nothing = () => Promise.resolve();

/** Its tags called the point what it was while it was read: one whose hook was lost meanwhile is not that. */
async function judged(quiet: Quiesced<Made>, { thing }: Making, store: Store, round: Round): Promise<Made> {
  const { record, stores, signal } = round;
  for (const problem of quiet.problems) record.report("error", problem);
  if (quiet.value === undefined) throw quiet.error;
  const lost = quiet.records.filter(({ outcome }) => outcome === "lost");
  if (lost.length === 0) return quiet.value;
  const names = lost.map(({ hook }) => hook).join(", ");
  const { point, saved } = quiet.value;
  const unread = [{ path: thing.source, found: `${names} did not hold until all was read` }];
  await store.markPartial(saved.id, unread, { host: stores.host, time: point.captured }, signal);
  return { point: { ...point, state: "partial", consistency: "crash" }, saved: { ...saved, unread } };
}

/** Saves one stream of a dump. One that ends well and is empty is no dump, whatever its program said. */
export async function saveStream(
  dump: DumpConfig,
  stream: DumpStream,
  making: Making,
  store: Store,
  round: Round,
): Promise<Made> {
  const { stores, signal } = round;
  const { source } = making.line.report;
  const own = Object.entries(stream.tags).filter(([key]) => key !== "kind");
  const base = orderOf(making, "application", dump.tags ?? [], round);
  const order = {
    ...base,
    tags: [...base.tags, ...own.map(([key, value]) => tag(`ec2-backup:${key}`, value))],
  };
  const tell = (progress: Parameters<typeof stores.progress>[1]) => stores.progress(source, progress);
  const saved = await noted(making, round, () => store.saveStream(order, stream.source, tell, signal));
  if (saved.bytes === 0) {
    const unread = [{ path: `/${stream.source.file}`, found: "the dump is empty" }];
    await store.markPartial(saved.id, unread, order, signal);
    throw new BackupError({
      kind: "unexpected",
      doing: `store ${source}`,
      found: "its program ended well and printed nothing",
      remedy: "what was stored is marked as partial; run the program by hand and look at what it prints",
      code: "EmptyDump",
    });
  }
  return { point: pointOf(making, order.time, "application", saved, round), saved };
}

/**
 * While it is saved, a note says that its point may be there without being whole: a run that dies leaves it behind, and
 * the next one looks. Without the note nothing is saved.
 */
async function noted(
  { pointId, line, thing }: Making,
  { deps, request }: Round,
  save: () => Promise<Saved>,
): Promise<Saved> {
  const { job, run } = request;
  const { repository } = thing;
  const at = deps.clock.now().toISOString();
  await deps.journal.storing(job.name, { run, point: pointId, repository, source: line.report.source, at });
  let saved: Saved;
  try {
    saved = await save();
  } catch (error) {
    // Whether it left a snapshot is looked at by the next run, unless the store says that it did not.
    const { kind } = failureOf(error, "store");
    if (kind !== "unknown-outcome" && kind !== "interrupted") await deps.journal.stored(job.name, pointId);
    throw error;
  }
  await deps.journal.stored(job.name, pointId);
  return saved;
}

function orderOf(
  { thing, line, pointId }: Making,
  consistency: Consistency,
  tags: readonly string[],
  { request, stores, deps }: Round,
): SaveOrder {
  const { job, run, discovery } = request;
  const { arn, name } = discovery.instance;
  const birth = {
    pointId,
    runId: run,
    job: job.name,
    instanceArn: arn,
    ...(name === undefined ? {} : { name }),
    retention: thing.policy,
    consistency,
    version: stores.version,
    subject: line.subject,
    tags,
  };
  // restic is told whole seconds.
  const time = new Date(Math.floor(deps.clock.now().getTime() / 1000) * 1000);
  return { tags: storedTags(birth), host: stores.host, time };
}

function pointOf(
  { thing, line, pointId }: Making,
  captured: Date,
  consistency: Consistency,
  saved: Saved,
  { request }: Round,
): RecoveryPoint {
  const { job, run, discovery } = request;
  const { arn, name } = discovery.instance;
  const volumeId = memberOf(line.subject);
  return {
    id: pointId,
    run,
    job: job.name,
    series: line.series,
    instanceArn: arn,
    ...(name === undefined ? {} : { name }),
    state: saved.unread.length > 0 ? "partial" : "complete",
    captured,
    consistency,
    snapshots: [
      {
        id: saved.id,
        volumeId,
        state: "completed",
        startTime: captured,
        volumeSizeGiB: 0,
        fullSizeBytes: saved.bytes,
        encrypted: true,
        archived: false,
        tags: {},
      },
    ],
    recipe: [{ volumeId }],
    policy: thing.policy,
    holds: [],
  };
}

/**
 * Only programs are held around files: a freeze would hang who reads, since reading writes access times, and a lock of
 * a database is for the instant of a snapshot, not for the hours that reading takes.
 */
async function commandHooks({ request, deps }: Round): Promise<{ use: HookUse; raises: boolean }[]> {
  const { hooks, whenLess } = request.job;
  const uses: { use: HookUse; raises: boolean }[] = [];
  for (const config of hooks) {
    if (config.kind !== "command") continue;
    const hook = await deps.host.hook(config);
    const onFailure = whenLess === "fail" ? "abort" : hook.onFailure;
    uses.push({
      use: { hook: { ...hook, prepare: hook.prepare.bind(hook), onFailure } },
      raises: config.before !== undefined,
    });
  }
  return uses;
}

function hookFacts({ request }: Round): HookFacts {
  const { job, run, trigger, discovery } = request;
  return { job: job.name, run, trigger, instanceId: discovery.instance.id, volumes: [] };
}
