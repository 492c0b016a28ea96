import type { DumpConfig, DumpStream } from "../core/dump-config.ts";
import { failureOf } from "../core/errors.ts";
import type { HookFacts } from "../core/hook.ts";
import { mendedIn } from "../core/mending.ts";
import type { Consistency } from "../core/retention-policy.ts";
import { mayBeThere } from "../core/store-point.ts";
import type { Store } from "../core/store-ports.ts";
import type { MadePoint, StoredEngine, StoredOrder } from "../core/stored-ports.ts";
import type { FilesWish } from "../core/stored-wish.ts";
import type { HoldRecord, HookUse, Quiesced } from "./quiesce.ts";
import type { Round, StoredLine, StoredThing } from "./store-things.ts";

/** What is about to be made, and by what. */
export interface Making {
  readonly thing: StoredThing;
  readonly line: StoredLine;
  readonly pointId: string;
  readonly store: Store;
  readonly engine: StoredEngine;
}

/** Saves the files of a job, with its command hooks held around the reading. */
export async function saveFiles(wish: FilesWish, making: Making, round: Round): Promise<MadePoint> {
  const { signal, deps } = round;
  const uses = await commandHooks(round);
  let consistency: Consistency = "crash";
  const order = orderOf(making, { files: wish }, wish.tags ?? [], () => consistency, round);
  const prepared = await making.engine.prepare(order, signal);
  const save = () => prepared.capture(making.pointId, deps.clock.now());
  if (uses.length === 0) return noted(making, round, save);
  const { quiesced } = await import("./quiesce.ts");
  const tools = {
    clock: deps.clock,
    facts: hookFacts(round),
    rehearse: nothing,
    lookAgain: nothing,
    lookBack: nothing,
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
  return noted(making, round, async () => judged(await quiesced(held, tools, signal, save), making, round));
}

const nothing = () => Promise.resolve();

/** Its tags called the point what it was while it was read: one whose hook was lost meanwhile is not that. */
async function judged(
  quiet: Quiesced<MadePoint>,
  { thing, store }: Making,
  { record, stores, signal }: Round,
): Promise<MadePoint> {
  for (const problem of quiet.problems) record.report("error", problem);
  if (quiet.value === undefined) throw quiet.error;
  const lost = quiet.records.filter(({ outcome }) => outcome === "lost");
  if (lost.length === 0) return quiet.value;
  const names = lost.map(({ hook }) => hook).join(", ");
  const { saved, captured } = quiet.value;
  const unread = [{ path: thing.source, found: `${names} did not hold until all was read` }];
  await store.markPartial(saved.id, unread, { host: stores.host, time: captured }, signal);
  return { ...quiet.value, state: "partial", consistency: "crash", saved: { ...saved, unread } };
}

/** Saves one stream of a dump. */
export async function saveStream(
  dump: DumpConfig,
  stream: DumpStream,
  making: Making,
  round: Round,
): Promise<MadePoint> {
  const { kind: _, ...facts } = stream.tags;
  const order = orderOf(making, { stream: stream.source }, dump.tags ?? [], () => "application", round);
  const prepared = await making.engine.prepare({ ...order, facts }, round.signal);
  return noted(making, round, () => prepared.capture(making.pointId, round.deps.clock.now()));
}

/**
 * Until it is saved, and marked where that must be, a note says that its point may be there without being whole: a run
 * that dies leaves it behind, and the next one looks. Without the note nothing is saved.
 */
async function noted(
  { pointId, line, thing }: Making,
  { deps, request }: Round,
  save: () => Promise<MadePoint>,
): Promise<MadePoint> {
  const { job, run } = request;
  const { repository } = thing;
  const at = deps.clock.now().toISOString();
  await deps.journal.storing(job.name, { run, point: pointId, repository, source: line.report.source, at });
  let made: MadePoint;
  try {
    made = await save();
  } catch (error) {
    // Whether it left a snapshot is looked at by the next run, unless the store says that it did not.
    const { kind, code } = failureOf(error, "store");
    const mayBe = kind === "unknown-outcome" || kind === "interrupted" || code === mayBeThere;
    if (!mayBe) await deps.journal.stored(job.name, pointId);
    throw error;
  }
  await deps.journal.stored(job.name, pointId);
  return made;
}

function orderOf(
  { thing, line }: Making,
  what: StoredOrder["what"],
  tags: readonly string[],
  consistency: () => Consistency,
  { request, stores, record }: Round,
): StoredOrder {
  const { job, run: runId, discovery } = request;
  return {
    job,
    instance: discovery.instance,
    runId,
    subject: line.subject,
    what,
    tags,
    facts: {},
    policy: thing.policy,
    consistency,
    tell: (progress) => stores.progress(line.report.source, progress),
    mended: (repository, found) => record.report("warning", mendedIn(repository, found)),
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
