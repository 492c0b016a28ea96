import { defaultRetention, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import type { Control } from "../../src/simulator/control.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import { day, hour, point } from "../core/points.ts";
import { keptByOracle, periodName } from "../core/retention-oracle.ts";

/** An instance as who made the world knows it, whatever its tags and points say. */
export interface Machine {
  readonly id: string;
  readonly volumes: readonly string[];
  readonly group?: string;
  /** What its agent goes by. */
  policy: RetentionPolicy;
  /** What its tag asks for. */
  tag?: RetentionPolicy;
  /** Nobody can read what its points record. */
  readonly spoilt: boolean;
}

/** Who removes something: one run of an agent, or one sweep. */
export interface Actor {
  readonly name: string;
  readonly kind: "agent" | "sweep";
  /** Simulated milliseconds. */
  readonly began: number;
}

export interface Rules {
  readonly minimumAge: number;
  readonly expireLastAfter: number;
  readonly expireLastAfterOfGroups: number;
}

type State = Awaited<ReturnType<Control["state"]>>;

/** A point as it is, put together without a line of the product's. */
interface Seen {
  readonly id: string;
  readonly machine: string;
  readonly captured: Date;
  readonly state: "complete" | "pending" | "partial" | "failed";
  readonly volumes: readonly string[];
}

interface Verdict {
  readonly target?: Seen;
  readonly points?: readonly Seen[];
  readonly now?: Date;
  readonly wrong?: string;
}

/**
 * Judges each removal at the instant when it is asked for, by what EC2 has then and by what was configured: against every
 * policy that could keep the point, whoever asks.
 */
export class Judge {
  readonly wrongs: string[] = [];
  readonly machines = new Map<string, Machine>();
  /** What was in force when a point was made. */
  readonly policies = new Map<string, RetentionPolicy>();
  judged = 0;
  readonly #control: Control;
  readonly #rules: Rules;
  /** Points that were rightly begun to be removed: what is left of them goes, too. */
  readonly #going = new Map<string, { readonly machine: string; readonly at: number }>();
  readonly #removedBy = new Map<string, Set<string>>();
  readonly #doubled = new Set<string>();

  readonly #now: () => Date;
  #seen: State | undefined;

  constructor(control: Control, now: () => Date, rules: Rules) {
    this.#control = control;
    this.#now = now;
    this.#rules = rules;
  }

  /** A point of a machine is about to be made. */
  async creates(actor: Actor, id: string, machine: Machine): Promise<void> {
    if (actor.kind === "agent") {
      this.policies.set(id, machine.policy);
      return;
    }
    const [newest] = this.#pointsOf(await this.#look(), machine).filter((one) => one.state !== "failed");
    const before = newest && this.policies.get(newest.id);
    this.policies.set(id, machine.tag ?? before ?? defaultRetention);
  }

  /** What was seen is not so any more. */
  changed(): void {
    this.#seen = undefined;
  }

  async deletes(actor: Actor, snapshotId: string): Promise<void> {
    // A look costs as much as a night of one agent: what is old makes the verdict harder, and is looked at again.
    const [known, isFresh] = this.#seen === undefined ? [await this.#look(), true] : [this.#seen, false];
    const verdict = this.#verdict(actor, snapshotId, known);
    if (verdict === "going") return;
    const isDoubtful = !isFresh && (verdict === "unknown" || verdict.wrong !== undefined);
    const sure = isDoubtful ? this.#verdict(actor, snapshotId, await this.#look()) : verdict;
    // Somebody else was quicker.
    if (sure === "going" || sure === "unknown") return;
    if (sure.wrong !== undefined) this.#wrong(actor, sure.wrong);
    const { target, points, now } = sure;
    if (target === undefined || points === undefined || now === undefined) return;
    this.judged += 1;
    this.#brake(actor, target, points, now);
    this.#going.set(target.id, { machine: target.machine, at: now.getTime() });
  }

  async #look(): Promise<State> {
    this.#seen = await this.#control.state();
    return this.#seen;
  }

  #verdict(actor: Actor, snapshotId: string, state: State): Verdict | "going" | "unknown" {
    const snapshot = state.snapshots[snapshotId];
    if (snapshot === undefined) return "unknown";
    const id = snapshot.tags["ec2-backup:point"];
    const machine = this.machines.get(
      /i-[0-9a-f]+$/.exec(snapshot.tags["ec2-backup:instance"] ?? "")?.[0] ?? "",
    );
    if (id === undefined || machine === undefined) return { wrong: `${snapshotId}, which is of no point` };
    if (this.#going.has(id)) return "going";
    const now = this.#now();
    const points = this.#pointsOf(state, machine);
    const target = points.find((one) => one.id === id);
    if (target === undefined) return { wrong: `${id}, which is none of the points of ${machine.id}` };
    const why = this.#because(actor, target, machine, points, { ...state, now: now.toISOString() });
    if (why === undefined) return { target, points, now };
    const age = `${((now.getTime() - target.captured.getTime()) / day).toFixed(1)} d`;
    const wrong = `${target.state} point ${id} of ${machine.id}, ${age} old: ${why}, of ${digestOf(points)}`;
    return { target, points, now, wrong };
  }

  /** Why it may not go. */
  #because(
    actor: Actor,
    target: Seen,
    machine: Machine,
    points: readonly Seen[],
    state: State,
  ): string | undefined {
    const now = new Date(state.now);
    if (!this.policies.has(target.id) && target.state !== "failed") return "nobody can read its policy";
    const age = now.getTime() - target.captured.getTime();
    const isYoung = target.state !== "failed" && age < this.#rules.minimumAge;
    const policies = this.#policiesFor(actor, machine, points, state);
    if (actor.kind === "sweep" && isYoung && policies.some(counts)) return "it is younger than a week";
    const keeping = policies.find((policy) => isKept(target, points, policy, now));
    if (keeping === undefined) return undefined;
    if (this.hasExpired(target, machine, points, state)) return undefined;
    return `kept by ${JSON.stringify(keeping.counts)} within ${keeping.within ?? "-"}`;
  }

  /** Those that could keep points of a machine; such as were recorded since the actor began are news to it. */
  #policiesFor(actor: Actor, machine: Machine, points: readonly Seen[], state: State): RetentionPolicy[] {
    const now = Date.parse(state.now);
    const settled = points.filter((one) => one.state !== "failed" && one.captured.getTime() <= actor.began);
    const recorded = settled.filter((one, index) => index < 2 || now - one.captured.getTime() < 7 * day);
    const all = recorded.flatMap((one) => this.policies.get(one.id) ?? []);
    const [newest] = settled;
    const inForce = actor.kind === "agent" ? machine.policy : newest && this.policies.get(newest.id);
    const tag = actor.kind === "sweep" && !isGone(machine, state) ? machine.tag : undefined;
    return [inForce, tag, ...all].filter((policy) => policy !== undefined);
  }

  /** Machine and volumes are gone, nothing was made for long enough, and the calendar keeps it no longer. */
  hasExpired(target: Seen, machine: Machine, points: readonly Seen[], state: State): boolean {
    if (!isGone(machine, state) || machine.volumes.some((id) => state.volumes[id] !== undefined))
      return false;
    const now = new Date(state.now);
    const newest = Math.max(
      ...points.filter((one) => one.state !== "failed").map(({ captured }) => captured.getTime()),
    );
    const { expireLastAfter, expireLastAfterOfGroups } = this.#rules;
    if (now.getTime() - newest <= (machine.group === undefined ? expireLastAfter : expireLastAfterOfGroups))
      return false;
    const policies = points.flatMap(({ id }) => this.policies.get(id) ?? []);
    return !policies.some((policy) => keptByCalendar(target.captured, policy, now));
  }

  #brake(actor: Actor, target: Seen, points: readonly Seen[], now: Date): void {
    if (target.state === "failed") return;
    const key = `${actor.name} ${target.machine}`;
    const removed = this.#removedBy.get(key) ?? new Set();
    this.#removedBy.set(key, removed.add(target.id));
    const others = [...this.#going.values()].filter(
      ({ machine, at }) => machine === target.machine && at >= actor.began,
    );
    const were = points.filter(({ state }) => state !== "failed").length + others.length;
    const limit = Math.max(3, Math.floor(were * 0.2));
    if (removed.size > limit)
      this.#wrong(
        actor,
        `${removed.size} of ${were} points of ${target.machine} in one go, at ${now.toISOString()}`,
      );
  }

  /** Whether anybody has made two points where one was due. */
  lookForDoubles(state: State): void {
    for (const machine of this.machines.values()) {
      const points = this.#pointsOf(state, machine).filter((one) => one.state !== "failed");
      for (const [index, one] of points.entries()) {
        const next = points[index + 1];
        if (next === undefined || one.captured.getTime() - next.captured.getTime() >= 6 * hour) continue;
        if (this.#doubled.has(one.id)) continue;
        this.#doubled.add(one.id);
        this.wrongs.push(
          `${one.id} and ${next.id} of ${machine.id} were made for the same time, ${one.captured.toISOString()}`,
        );
      }
    }
  }

  /** What should have gone some sweeps ago: of machines that are gone, and of those that are there. */
  leftOver(state: State): Record<"orphans" | "living" | "halves", string[]> {
    const found = { orphans: [] as string[], living: [] as string[], halves: [] as string[] };
    // What has come of age since the last sweep is for the next one, and what the brake left for some more.
    const [now, then] = [new Date(state.now), new Date(Date.parse(state.now) - 4 * day)];
    const before = { ...state, now: then.toISOString() };
    for (const machine of this.machines.values()) {
      if (machine.spoilt) continue;
      const points = this.#pointsOf(state, machine, true);
      const sweeper: Actor = { name: "the end", kind: "sweep", began: now.getTime() };
      const policies = this.#policiesFor(sweeper, machine, points, state);
      const stays = (one: Seen, at: Date) => {
        const were = points.filter(({ captured }) => captured <= at);
        return policies.some((policy) => isKept(one, were, policy, at));
      };
      for (const one of points) {
        const told = `${one.id} of ${machine.id}, of ${one.captured.toISOString()}, of ${digestOf(points)}`;
        if (this.#going.has(one.id)) found.halves.push(told);
        else if (isGone(machine, state)) {
          if (this.hasExpired(one, machine, points, before)) found.orphans.push(told);
        } else if (!stays(one, now) && !stays(one, then)) {
          if (then.getTime() - one.captured.getTime() > this.#rules.minimumAge) found.living.push(told);
        }
      }
    }
    return found;
  }

  /** How many points there are of machines that are gone, but for those whose policies nobody can read. */
  orphans(state: State): number {
    const gone = [...this.machines.values()].filter((one) => !one.spoilt && isGone(one, state));
    return gone.reduce((sum, machine) => sum + this.#pointsOf(state, machine, true).length, 0);
  }

  /** Newest first. */
  #pointsOf(state: State, machine: Machine, all = false): Seen[] {
    const groups = new Map<string, Snapshot[]>();
    for (const one of Object.values(state.snapshots)) {
      const id = one.tags["ec2-backup:point"];
      if (id === undefined || !one.tags["ec2-backup:instance"]?.endsWith(machine.id)) continue;
      if (!all && this.#going.has(id)) continue;
      groups.set(id, [...(groups.get(id) ?? []), one]);
    }
    return [...groups]
      .map(([id, its]): Seen => {
        const failed = its.some((one) => one.state === "error");
        const pending = its.some((one) => one.state === "pending");
        const whole = its.length >= machine.volumes.length;
        return {
          id,
          machine: machine.id,
          captured: new Date(Math.min(...its.map(({ startTime }) => startTime))),
          state: failed ? "failed" : pending ? "pending" : whole ? "complete" : "partial",
          volumes: its.map(({ volumeId }) => volumeId),
        };
      })
      .sort((a, b) => b.captured.getTime() - a.captured.getTime() || (a.id < b.id ? 1 : -1));
  }

  #wrong({ name, kind }: Actor, what: string): void {
    this.wrongs.push(`${kind} ${name} removes ${what}`);
  }
}

/** For whoever looks into it. */
function digestOf(points: readonly Seen[]): string {
  return points.map(({ captured, state }) => `${captured.toISOString().slice(5, 16)} ${state}`).join(", ");
}

function isGone({ id }: Machine, { instances }: State): boolean {
  return instances[id] === undefined || instances[id].state === "terminated";
}

function counts({ within, counts: { minimum: _, ...others } }: RetentionPolicy): boolean {
  return within === undefined || Object.values(others).some((count) => count);
}

function isKept(target: Seen, points: readonly Seen[], policy: RetentionPolicy, now: Date): boolean {
  const all = points.map(({ id, captured, state, volumes }) => point(captured, { id, state, volumes }));
  return keptByOracle(all, policy, now).includes(target.id);
}

const steps = { hourly: hour, daily: hour, weekly: day, monthly: day, yearly: 20 * day } as const;

/** Whether it lies in one of the last so many periods of the calendar. */
function keptByCalendar(
  captured: Date,
  { counts: rules, within, timezone }: RetentionPolicy,
  now: Date,
): boolean {
  if (Object.values(rules).every((count) => !count) && within === undefined) return true;
  if (within !== undefined && captured.getTime() >= now.getTime() - within) return true;
  return Object.entries(steps).some(([rule, step]) => {
    const count = rules[rule as keyof typeof steps] ?? 0;
    const wanted = periodName(rule, timezone, captured);
    const names = new Set<string>();
    for (let at = now.getTime(); names.size <= count; at -= step) {
      names.add(periodName(rule, timezone, new Date(at)));
      if (names.size <= count && names.has(wanted)) return true;
    }
    return false;
  });
}
