import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { thawLeftovers } from "../../src/hooks/thaw.ts";
import {
  type Disk,
  guardOf,
  isFrozen,
  sessionOf,
  thawByHand,
  thawedWithin,
  type Writer,
} from "./freeze-lab.ts";
import { kill } from "./freeze-process.ts";

/** What can happen to a host in the midst of a freeze. */
export const strikes = [
  "kill agent",
  "kill guard",
  "kill timer",
  "stop agent",
  "stop guard",
  "end guard",
  "kill agent and guard",
  "kill agent, timer goes off at once",
  "kill all",
] as const;
export type Strike = (typeof strikes)[number];

/** Whoever freezes: the hook alone, or a program that uses it. */
export interface Victim {
  readonly pid: number;
  /** Its runtime directory. */
  readonly runtime: string;
}

/** Hits a victim at whatever it is doing; who is not there is not hit. */
export function strike(what: Strike, { pid, runtime }: Victim): void {
  const { guard, timer } = guardsIn(runtime);
  const hit = (whom: number | undefined, signal: NodeJS.Signals): void => {
    if (whom !== undefined && whom > 1) kill(whom, signal);
  };
  if (what === "kill all") {
    killAll(pid, guard);
    return;
  }
  if (what.startsWith("stop")) hit(what === "stop agent" ? pid : guard, "SIGSTOP");
  if (what.startsWith("kill agent")) hit(pid, "SIGKILL");
  if (what === "kill guard" || what === "kill agent and guard") hit(guard, "SIGKILL");
  if (what === "kill timer") hit(timer, "SIGKILL");
  if (what === "end guard") hit(guard, "SIGTERM");
  if (what.endsWith("goes off at once")) hit(timer, "SIGUSR2");
}

/**
 * Nobody is left, nor anybody's child: one that was started while its parent was being looked for, or that is in the
 * midst of a freeze, would go on with it after it was counted what is frozen.
 */
function killAll(pid: number, guard: number | undefined): void {
  const session = (): number[] => (guard === undefined ? [] : sessionOf(guard));
  const stopped = new Set<number>();
  // Stopped first, so that nobody does anything about it.
  for (let found = [pid, ...session()]; found.some((one) => !stopped.has(one)); found = session())
    for (const one of found) {
      stopped.add(one);
      kill(one, "SIGSTOP");
    }
  for (const one of stopped) kill(one, "SIGKILL");
  const until = performance.now() + 30_000;
  while (session().length > 0) {
    if (performance.now() > until) expect.fail("who was killed does not go");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }
}

function guardsIn(runtime: string): { guard?: number; timer?: number } {
  try {
    const { guard, timer } = guardOf(runtime);
    return { ...(guard > 1 ? { guard } : {}), ...(timer === undefined ? {} : { timer }) };
  } catch {
    return {};
  }
}

export interface Stage {
  readonly disks: readonly Disk[];
  readonly writers: readonly Writer[];
  /** In the plan as well, but frozen by somebody else. */
  readonly theirs: Disk | undefined;
  /** Milliseconds. */
  readonly deadline: number;
}

/** What must hold whatever was hit: called when the strike has been dealt. */
export async function expectMelted(
  { disks, writers, theirs, deadline }: Stage,
  { runtime }: Victim,
  what: Strike,
): Promise<{ readonly stalls: readonly number[] }> {
  // What nobody is left to thaw is thawed by the next start, which a service manager sees to at once.
  if (what === "kill all") await thawLeftovers({ runtimeDirectory: runtime, wait: 2_000, urge: true });
  await thawedWithin(disks, deadline + 1_000);
  await sleep(60);
  const stalls = writers.map((writer) => writer.takeStall());
  for (const stall of stalls) expect(stall, "a writer stood still").toBeLessThan(deadline + 1_000);
  if (theirs !== undefined) expect(isFrozen(theirs), "what others froze stays frozen").toBe(true);
  return { stalls };
}

/** When all have ended, nothing may be left to do, and what others froze must still be frozen. */
export async function expectNothingLeft({ disks, theirs }: Stage, { runtime }: Victim): Promise<void> {
  const { ledgers } = await thawLeftovers({ runtimeDirectory: runtime, wait: 4_000, urge: true });
  for (const { state, mounts } of ledgers) {
    expect(state).toBe("done");
    expect(mounts.filter(({ outcome }) => outcome === "thawed")).toEqual([]);
  }
  expect(readdirSync(runtime)).toEqual([]);
  expect(disks.map(isFrozen)).toEqual(disks.map(() => false));
  if (theirs !== undefined) expect(thawByHand(theirs), "what others froze was left as it is").toBe(true);
}
