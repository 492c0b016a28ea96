import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Held, Holding, Hook, HookFacts, PreparedHook } from "../core/hook.ts";
import type { Clock } from "../core/ports.ts";
import type { HookReport } from "../core/report.ts";

/** A hook of a job and the longest that it can hold. */
export interface HookUse {
  readonly hook: Hook;
  /** Milliseconds after which its holding ends by itself. */
  readonly deadline?: number;
}

/** What became of a hook in one attempt. */
export interface HoldRecord extends HookReport {
  readonly frozen?: NonNullable<Holding["frozen"]>;
}

/** The outcome of one attempt: what the body came to, and how still it was. */
export interface Quiesced<T> {
  /** Absent if something forbade the body or the body failed; `error` says which. */
  readonly value?: T;
  readonly error?: unknown;
  readonly records: readonly HoldRecord[];
  readonly problems: readonly Failure[];
}

export interface QuiesceTools {
  readonly clock: Clock;
  readonly facts: HookFacts;
  /** Asked when all that could be prepared is, and nothing is held yet. */
  readonly rehearse: () => Promise<void>;
  /** Asked when programs have run, and nothing but them is held: they may have mounted something. */
  readonly lookAgain: () => Promise<void>;
  /** Asked after the capture, when nothing but programs is held: others mount, too, while a database writes. Never throws. */
  readonly lookBack: () => Promise<void>;
  /** Makes the way to the API warm; asked before a lock is taken. */
  readonly warm: () => Promise<void>;
  /**
   * Has the data written that no freeze writes; asked when all but a freeze is held. Its failure ends
   * nothing, and counts as a program that did not hold: what is in memory is not in the point.
   */
  readonly sync: () => Promise<void>;
  /** Asked when all is held that could be, and before each lock with what is hoped for: throws if it is too little. */
  readonly enough: (records: readonly HoldRecord[]) => void;
}

type Body<T> = (within: number | undefined, done: () => void) => Promise<T>;

/** A hook on its way through one attempt. */
interface InUse {
  readonly use: HookUse;
  prepared?: PreparedHook;
  held?: Held;
  released?: Promise<Holding>;
  heldAt: number;
  record: HoldRecord;
}

/**
 * Holds the hooks in order, runs the body and releases in reverse, always. `within` tells the body how
 * many milliseconds it has before the first holding ends by itself; it may call `done` as soon as nothing needs
 * to be frozen any more, though it has not ended. A hook that fails and does not allow
 * to go on skips the body; what was held is released. Nothing is logged meanwhile, since a log may lie
 * on what stands still. Never throws.
 */
export async function quiesced<T>(
  uses: readonly HookUse[],
  tools: QuiesceTools,
  signal: AbortSignal,
  body: Body<T>,
): Promise<Quiesced<T>> {
  const hooks = uses.map((use): InUse => ({ use, heldAt: 0, record: recordOf(use, "not-tried") }));
  const problems: Failure[] = [];
  const unwritten: HoldRecord[] = [];
  let outcome: { value: T } | { error: unknown };
  try {
    outcome = { value: await attempt(hooks, problems, unwritten, tools, signal, body) };
  } catch (error) {
    outcome = { error };
  }
  await releaseAll(hooks, problems, "value" in outcome, tools);
  for (const one of [...hooks].reverse()) await one.prepared?.close();
  return { ...outcome, records: [...hooks.map(({ record }) => record), ...unwritten], problems };
}

async function attempt<T>(
  hooks: readonly InUse[],
  problems: Failure[],
  unwritten: HoldRecord[],
  tools: QuiesceTools,
  signal: AbortSignal,
  body: Body<T>,
): Promise<T> {
  for (const one of hooks) await prepare(one, problems, tools.facts, signal);
  await tools.rehearse();
  const firstLock = hooks.findIndex(({ use }) => use.hook.kind !== "command");
  for (const [index, one] of hooks.entries()) {
    if (index === firstLock) {
      // Programs may have run for hours: connections that were opened before them are old by now.
      if (index > 0) {
        await prepareAnew(hooks.slice(index), problems, tools.facts, signal);
        await tools.lookAgain();
      }
      if (one.use.hook.kind === "database") await tools.warm();
    }
    // Nothing is made to wait for a point that would not be good enough anyhow.
    if (one.use.hook.kind !== "command") tools.enough([...hooks.map(hopeful), ...unwritten]);
    if (one.use.hook.kind === "freeze") await write(problems, unwritten, tools);
    await hold(one, problems, tools.clock, signal);
  }
  if (firstLock < 0) await tools.lookAgain();
  if (!hooks.some(({ use }) => use.hook.kind === "freeze")) await write(problems, unwritten, tools);
  tools.enough([...hooks.map(({ record }) => record), ...unwritten]);
  if (signal.aborted) throw interrupted("hold still");
  return body(timeLeft(hooks, tools.clock), () => thaw(hooks));
}

/** What can still become of a hook at best. */
function hopeful({ record }: InUse): HoldRecord {
  return record.outcome === "not-tried" ? { ...record, outcome: "held" } : record;
}

async function write(
  problems: Failure[],
  unwritten: HoldRecord[],
  { sync, clock }: QuiesceTools,
): Promise<void> {
  const began = clock.elapsed();
  try {
    await sync();
  } catch (error) {
    problems.push(failureOf(error, "write what is in memory"));
    const ms = Math.round(clock.elapsed() - began);
    unwritten.push({ hook: "sync", kind: "command", outcome: "failed", ms, facts: {} });
  }
}

async function prepare(
  one: InUse,
  problems: Failure[],
  facts: HookFacts,
  signal: AbortSignal,
): Promise<void> {
  const { hook } = one.use;
  try {
    one.prepared = await hook.prepare(facts, signal);
  } catch (error) {
    failed(one, problems, failureOf(error, `prepare hook ${hook.name}`), 0, signal);
  }
}

async function prepareAnew(
  hooks: readonly InUse[],
  problems: Failure[],
  facts: HookFacts,
  signal: AbortSignal,
): Promise<void> {
  for (const one of hooks) {
    if (one.prepared === undefined || one.use.hook.kind === "command") continue;
    await one.prepared.close();
    delete one.prepared;
    await prepare(one, problems, facts, signal);
  }
}

async function hold(one: InUse, problems: Failure[], clock: Clock, signal: AbortSignal): Promise<void> {
  if (one.prepared === undefined) return;
  if (signal.aborted) throw interrupted(`hold with hook ${one.use.hook.name}`);
  const began = clock.elapsed();
  try {
    one.held = await one.prepared.hold(signal);
    const now = clock.elapsed();
    // What was written before a freeze is not charged to it.
    one.heldAt = now - (one.held.usedMs ?? now - began);
    one.record = { ...one.record, outcome: "held", ms: Math.round(now - began) };
  } catch (error) {
    const failure = failureOf(error, `hold with hook ${one.use.hook.name}`);
    failed(one, problems, failure, clock.elapsed() - began, signal);
  }
}

/** Notes a failure; throws it where the capture is not to go on without the hook. */
function failed(one: InUse, problems: Failure[], failure: Failure, ms: number, signal: AbortSignal): void {
  one.record = { ...one.record, outcome: "failed", ms: Math.round(ms) };
  if (one.use.hook.onFailure === "abort" || signal.aborted) throw new BackupError(failure);
  problems.push(failure);
}

/** What is left of the shortest holding, less what a release needs. */
function timeLeft(hooks: readonly InUse[], clock: Clock): number | undefined {
  const now = clock.elapsed();
  const left = hooks.flatMap(({ use: { deadline }, held, heldAt }) => {
    if (held === undefined || deadline === undefined) return [];
    return [deadline - Math.max(200, deadline / 10) - (now - heldAt)];
  });
  return left.length === 0 ? undefined : Math.min(...left);
}

/** Only a freeze that nothing was held after: the order of releases stays. */
function thaw(hooks: readonly InUse[]): void {
  const last = hooks.findLast(({ held }) => held !== undefined);
  if (last?.use.hook.kind === "freeze") void release(last, true);
}

async function release(one: InUse, captured: boolean): Promise<Holding | undefined> {
  if (one.held === undefined) return undefined;
  one.released ??= one.held.release(captured);
  return one.released;
}

async function releaseAll(
  hooks: readonly InUse[],
  problems: Failure[],
  captured: boolean,
  { lookBack }: QuiesceTools,
): Promise<void> {
  const firstLock = hooks.findIndex(({ use }) => use.hook.kind !== "command");
  for (const [index, one] of [...hooks.entries()].reverse()) {
    if (captured && firstLock < 0 && index === hooks.length - 1) await lookBack();
    const released = await release(one, captured);
    if (released !== undefined) {
      const { held, facts, frozen, problems: found } = released;
      const outcome = held ? "held" : "lost";
      one.record = { ...one.record, outcome, facts, ...(frozen === undefined ? {} : { frozen }) };
      problems.push(...found);
    }
    if (captured && index === firstLock) await lookBack();
  }
}

function recordOf({ hook }: HookUse, outcome: HoldRecord["outcome"]): HoldRecord {
  return { hook: hook.name, kind: hook.kind, outcome, ms: 0, facts: {} };
}
