import { catchUp, nextWake, type Timing } from "../core/catch-up.ts";
import { parseSchedule } from "../core/schedule.ts";
import { splayOf } from "../core/splay.ts";
import type { JobTiming } from "../core/timetable.ts";

/** A run that is due. */
export interface Due {
  readonly job: string;
  readonly slot: Date;
  readonly at: Date;
  readonly trigger: "schedule" | "catch-up";
  /** Older slots that nobody served, in the place of which this one is made up for. */
  readonly missed?: number;
}

/** What the daemon remembers of a job between its runs; nothing of it needs to survive the daemon. */
export interface JobMemory {
  timing: Timing;
  /** The schedule as it was written, to notice that it changed. */
  source: JobTiming;
  running: boolean;
  /** When its last run began, by the clock that never jumps. */
  began?: number;
  /** Slots that passed without a run, to be told by the next one. */
  missed: number;
  /** Slots that came while a run was still at work. */
  overlapped: number;
  /** What the job does next; kept until its instant, since the slot of a passed instant counts as missed. */
  next?: Due;
  /** The instant that was last announced. */
  announced?: number;
  /** When `next` was decided: a clock that was wrong then must not decide for ever. */
  decided?: Date;
}

/** Later than this after its instant, a slot was slept over: other instances may have slept too. */
const sleptOver = 600_000;

/** A clock that goes back further than this was wrong before. */
const putBack = 3_600_000;

/** Takes over a timetable: new jobs, changed schedules, and slots that other runs have served meanwhile. */
export function updateJobs(
  known: Map<string, JobMemory>,
  timetable: readonly JobTiming[],
  instance: string,
): void {
  for (const job of known.keys()) {
    if (!timetable.some((one) => one.job === job) && known.get(job)?.running !== true) known.delete(job);
  }
  for (const source of timetable) {
    const before = known.get(source.job);
    const splay = splayOf(`${instance}/${source.job}`, source.splay);
    const timing: Timing = {
      schedule: parseSchedule(source.schedule),
      zone: source.timezone,
      splay,
      lastSlot: later(before?.timing.lastSlot, source.lastSlot) ?? beforeFirst(source, splay),
    };
    if (before === undefined) {
      known.set(source.job, { timing, source, running: false, missed: 0, overlapped: 0 });
      continue;
    }
    if (isServed(before.next, timing) || isChanged(before.source, source)) delete before.next;
    Object.assign(before, { timing, source });
  }
}

function later(a: Date | undefined, iso: string | undefined): Date | undefined {
  const b = iso === undefined ? undefined : new Date(iso);
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

/** Just before the first slot that could still be waited for when the job was first heard of. */
function beforeFirst({ firstSeen }: JobTiming, splay: number): Date | undefined {
  return firstSeen === undefined ? undefined : new Date(Date.parse(firstSeen) - splay - 1);
}

function isServed(next: Due | undefined, { lastSlot }: Timing): boolean {
  return next !== undefined && lastSlot !== undefined && lastSlot >= next.slot;
}

function isChanged(a: JobTiming, b: JobTiming): boolean {
  return a.schedule !== b.schedule || a.timezone !== b.timezone || a.splay !== b.splay;
}

/** What the job does next, and when. `readyAt` is the earliest instant at which missed slots are made up for. */
export function nextDue(memory: JobMemory, now: Date, readyAt: Date): Due {
  const { next, decided } = memory;
  if (next !== undefined && now.getTime() - next.at.getTime() > sleptOver) delete memory.next;
  if (decided !== undefined && decided.getTime() - now.getTime() > putBack) delete memory.next;
  if (memory.next === undefined) {
    memory.next = missedDue(memory, now, readyAt) ?? scheduledDue(memory, now);
    memory.decided = now;
  }
  return memory.next;
}

function scheduledDue({ timing, source }: JobMemory, now: Date): Due {
  return { job: source.job, ...nextWake(timing, now), trigger: "schedule" };
}

/**
 * Looks for slots that passed while nobody was awake: the newest is made up for after `readyAt` and the
 * job's splay, since a whole fleet may have slept; the others are counted. Where the next slot comes
 * before that, it serves for all of them. While a run is at work its slots overlap and are not missed.
 */
function missedDue(memory: JobMemory, now: Date, readyAt: Date): Due | undefined {
  const decision = catchUp(memory.timing, now);
  if (decision.kind === "none") return undefined;
  const { slot, missed } = decision;
  const handled = { ...memory.timing, lastSlot: slot };
  const at = new Date(Math.max(now.getTime(), readyAt.getTime()) + memory.timing.splay);
  if (!memory.running && decision.kind === "run" && at < nextWake(handled, now).at) {
    // The slot is handled when the run begins; until then a sleep or a reload may change the plan.
    return { job: memory.source.job, slot, at, trigger: "catch-up", missed: missed - 1 };
  }
  memory.timing = handled;
  if (memory.running) memory.overlapped += missed;
  else memory.missed += missed;
  return undefined;
}
