import { alarmPrefix } from "../core/alarm.ts";
import type { AlarmService, LivingInstances } from "../core/alarm-ports.ts";
import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import type { Clock } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import {
  type AlarmSweep,
  hasSettled,
  isOff,
  mutedTag,
  type OwnedAlarm,
  planAlarmSweep,
} from "../core/sweep-alarms.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";
import type { AlarmsSwept } from "../core/sweep-report.ts";
import { type Pace, pace } from "./pace.ts";
import { onceEach } from "./sweep-trouble.ts";

export interface SweepAlarmDeps {
  readonly alarms: Pick<
    AlarmService,
    "find" | "remove" | "enableActions" | "setState" | "tagsOf" | "tag" | "untag"
  >;
  readonly living: LivingInstances;
  /** Of the whole unit. */
  readonly instances: () => Promise<readonly SweepInstance[]>;
  /** The same by a listing of its own: the one above may be as old as the sweep. */
  readonly instancesNow: () => Promise<readonly SweepInstance[]>;
  readonly clock: Clock;
}

/** Tags are of one alarm a request, and agents write theirs beside us. */
const perSecond = 5;
const muting = "mute the alarms of stopped instances";

/**
 * Deletes the alarms of instances that are gone, mutes those of stopped ones and wakes them when they run again: those
 * that a sweep has muted, and no other.
 */
export async function sweepAlarms(
  dryRun: boolean,
  deps: SweepAlarmDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: AlarmsSwept; readonly problems: readonly Problem[] }> {
  const { alarms, living, instances, clock } = deps;
  const found = await alarms.find(alarmPrefix());
  const plan = planAlarmSweep(found, await instances(), clock.now());
  // One that was launched since the listing has alarms by now, perhaps.
  const there = await living([...new Set(plan.orphans.map(({ instance }) => instance))]);
  const orphans = plan.orphans.filter(({ instance }) => !there.has(instance)).map(({ alarm }) => alarm);
  const work = new Sweeping(deps, signal);
  const removed = dryRun ? orphans : await work.remove(orphans);
  const marked = dryRun ? plan.mute : await work.mark(plan.mute);
  const told = await work.told(plan.silent);
  const now = marked.length + plan.silent.length > 0 ? await work.statesNow() : undefined;
  const runs = ({ instance }: OwnedAlarm) => hasSettled(now?.get(instance), clock.now());
  const disabled = told.disabled.filter((one) => now === undefined || runs(one)).map(({ alarm }) => alarm);
  const wake = told.wake.filter(runs);
  const { off = [], on = [] } = Object.groupBy(marked, ({ instance }) =>
    isOff(now?.get(instance)) ? "off" : "on",
  );
  const names = (some: readonly OwnedAlarm[]) => some.map(({ alarm }) => alarm);
  const swept = {
    found: found.length,
    disabled,
    removed,
    muted: dryRun ? names(off) : await work.mute(off, on),
    woken: dryRun ? names(wake) : await work.wake(wake),
  };
  const problems = onceEach(work.failures).map((failure) => problemOf("error", failure));
  return { swept, problems: disabled.length === 0 ? problems : [...problems, unheard(disabled)] };
}

/** CloudWatch takes so many names in one request; what became of each request is known by itself. */
const atOnce = 100;

class Sweeping {
  readonly failures: Failure[] = [];
  readonly #alarms: SweepAlarmDeps["alarms"];
  readonly #instancesNow: SweepAlarmDeps["instancesNow"];
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #pace: Pace;

  constructor({ alarms, instancesNow, clock }: SweepAlarmDeps, signal: AbortSignal) {
    this.#alarms = alarms;
    this.#instancesNow = instancesNow;
    this.#clock = clock;
    this.#signal = signal;
    this.#pace = pace(perSecond, clock);
  }

  remove(orphans: readonly string[]): Promise<readonly string[]> {
    return this.#together("delete the alarms of instances that are gone", orphans, (some) =>
      this.#alarms.remove(some),
    );
  }

  /** Which of the silent ones a sweep has muted. What cannot be told apart is left, and told. */
  async told(silent: AlarmSweep["silent"]) {
    const wake: AlarmSweep["silent"][number][] = [];
    const disabled: AlarmSweep["silent"][number][] = [];
    await this.#each("see who has muted alarms", silent, async (one) => {
      const tags = await this.#alarms.tagsOf(one.arn);
      (tags[mutedTag] === undefined ? disabled : wake).push(one);
    });
    return { wake, disabled };
  }

  /** What is muted is marked before: one that is silent without it would be silent for ever. */
  mark(all: readonly OwnedAlarm[]): Promise<readonly OwnedAlarm[]> {
    const since = this.#clock.now().toISOString();
    return this.#each(muting, all, ({ arn }) => this.#alarms.tag(arn, { [mutedTag]: since }));
  }

  /**
   * The listing that was planned by may be as old as the sweep. One that has been started meanwhile was woken by its own
   * agent, and nobody else would hear of it for a day; one that was stopped meanwhile is silent with good reason.
   */
  async statesNow(): Promise<ReadonlyMap<string, SweepInstance> | undefined> {
    try {
      return new Map((await this.#instancesNow()).map((one) => [one.id, one]));
    } catch (error) {
      this.failures.push(failureOf(error, "see which instances are stopped still, and which run"));
      return undefined;
    }
  }

  /** `off` are muted; `on` lose the mark that they got before they were looked at again. */
  async mute(off: readonly OwnedAlarm[], on: readonly OwnedAlarm[]): Promise<readonly string[]> {
    await this.#each(muting, on, ({ arn }) => this.#alarms.untag(arn, [mutedTag]));
    const names = off.map(({ alarm }) => alarm);
    return this.#together(muting, names, (some) => this.#alarms.enableActions(some, false));
  }

  /**
   * Only a change of state is told: one that rang unheard must ring again, so it is calmed before. One that cannot be
   * stays as it is for the next sweep. The mark goes last, so that whoever is cut short is gone on with.
   */
  async wake(all: AlarmSweep["silent"]): Promise<readonly string[]> {
    const doing = "wake the alarms of running instances";
    const calm = (one: Pick<OwnedAlarm, "alarm">) =>
      this.#alarms.setState(one.alarm, "OK", "ec2-backup sweep: it rang while it was muted");
    const rang = all.filter((one) => one.rang);
    const calmed = await this.#each(doing, rang, calm);
    const ready = all.filter((one) => !one.rang || calmed.includes(one)).map(({ alarm }) => alarm);
    const woken = new Set(
      await this.#together(doing, ready, (some) => this.#alarms.enableActions(some, true)),
    );
    // CloudWatch may have looked at some in between, and have told nobody what it saw.
    if (calmed.length > 0) await this.#each(doing, await this.#ringing(calmed), calm);
    const marked = all.filter(({ alarm }) => woken.has(alarm));
    await this.#each(doing, marked, ({ arn }) => this.#alarms.untag(arn, [mutedTag]));
    return [...woken];
  }

  async #ringing(some: readonly OwnedAlarm[]): Promise<readonly OwnedAlarm[]> {
    try {
      const found = await this.#alarms.find(alarmPrefix());
      const ringing = new Set(found.flatMap(({ name, state }) => (state === "ALARM" ? name : [])));
      return some.filter(({ alarm }) => ringing.has(alarm));
    } catch (error) {
      this.failures.push(failureOf(error, "see whether alarms rang before they were woken"));
      return [];
    }
  }

  /** So many in one request; a request that fails keeps no other from its turn. Those that were done. */
  async #together(
    doing: string,
    names: readonly string[],
    act: (some: readonly string[]) => Promise<void>,
  ): Promise<readonly string[]> {
    const done: string[] = [];
    for (const some of inGroups(names, atOnce)) {
      try {
        if (this.#signal.aborted) throw interrupted(doing, "the sweep");
        await act(some);
        done.push(...some);
      } catch (error) {
        this.failures.push(failureOf(error, doing));
        if (this.#signal.aborted) break;
      }
    }
    return done;
  }

  /** One after the other; one that fails keeps no other from its turn. Those that were done. */
  async #each<T extends { readonly alarm: string }>(
    doing: string,
    all: readonly T[],
    act: (one: T) => Promise<void>,
  ): Promise<readonly T[]> {
    const done: T[] = [];
    for (const one of all) {
      await this.#pace.turn(this.#signal);
      try {
        if (this.#signal.aborted) throw interrupted(doing, "the sweep");
        await act(one);
        done.push(one);
      } catch (error) {
        this.failures.push(failureOf(error, `${doing}: ${one.alarm}`));
        if (this.#signal.aborted) break;
      }
    }
    return done;
  }
}

function unheard(disabled: readonly string[]): Problem {
  return {
    severity: "warning",
    kind: "refused",
    code: "AlarmsDisabled",
    doing: "hear of missed backups",
    found: `${disabled.length} alarms of running instances are disabled, and not by a sweep, such as ${disabled[0]}`,
    remedy: "`ec2-backup alarms resume` there, unless somebody means it",
  };
}
