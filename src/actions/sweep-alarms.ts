import { alarmPrefix } from "../core/alarm.ts";
import type { AlarmService, LivingInstances } from "../core/alarm-ports.ts";
import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { type AlarmSweep, mutedTag, planAlarmSweep } from "../core/sweep-alarms.ts";
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
  const { wake, disabled } = await work.told(plan.silent);
  const names = (some: readonly { readonly alarm: string }[]) => some.map(({ alarm }) => alarm);
  const swept = {
    found: found.length,
    disabled,
    ...(dryRun
      ? { removed: orphans, muted: names(plan.mute), woken: names(wake) }
      : {
          removed: await work.some("delete the alarms of instances that are gone", orphans, () =>
            alarms.remove(orphans),
          ),
          muted: await work.mute(plan.mute),
          woken: await work.wake(wake),
        }),
  };
  const problems = onceEach(work.failures).map((failure) => problemOf("error", failure));
  return { swept, problems: disabled.length === 0 ? problems : [...problems, unheard(disabled)] };
}

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

  /** Which of the silent ones a sweep has muted. What cannot be told apart is left, and told. */
  async told(silent: AlarmSweep["silent"]): Promise<{ wake: AlarmSweep["silent"]; disabled: string[] }> {
    const wake: AlarmSweep["silent"][number][] = [];
    const disabled: string[] = [];
    await this.#each("see who has muted alarms", silent, async (one) => {
      const tags = await this.#alarms.tagsOf(one.arn);
      if (tags[mutedTag] === undefined) disabled.push(one.alarm);
      else wake.push(one);
    });
    return { wake, disabled };
  }

  /** The mark comes first: one that is silent without it would be silent for ever. */
  async mute(all: AlarmSweep["mute"]): Promise<readonly string[]> {
    const doing = "mute the alarms of stopped instances";
    const since = this.#clock.now().toISOString();
    const marked = await this.#each(doing, all, ({ arn }) => this.#alarms.tag(arn, { [mutedTag]: since }));
    if (marked.length === 0) return [];
    const { off, on } = await this.#stillOff(marked);
    if (on.length > 0) await this.#each(doing, on, ({ arn }) => this.#alarms.untag(arn, [mutedTag]));
    const names = off.map(({ alarm }) => alarm);
    return this.some(doing, names, () => this.#alarms.enableActions(names, false));
  }

  /** One that has been started meanwhile was woken by its own agent, and nobody else would hear of it for a day. */
  async #stillOff(marked: AlarmSweep["mute"]): Promise<{ off: AlarmSweep["mute"]; on: AlarmSweep["mute"] }> {
    try {
      const now = new Map((await this.#instancesNow()).map(({ id, state }) => [id, state]));
      const { off = [], on = [] } = Object.groupBy(marked, ({ instance }) =>
        now.get(instance) === "stopped" ? "off" : "on",
      );
      return { off, on };
    } catch (error) {
      this.failures.push(failureOf(error, "see which instances are stopped still"));
      return { off: [], on: marked };
    }
  }

  /** The mark goes last, so that whoever is cut short is gone on with. */
  async wake(all: AlarmSweep["silent"]): Promise<readonly string[]> {
    const doing = "wake the alarms of running instances";
    const names = all.map(({ alarm }) => alarm);
    const rang = new Set(all.flatMap((one) => (one.rang ? [one.alarm] : [])));
    const woken = await this.some(doing, names, async () => {
      await this.#calm(rang);
      await this.#alarms.enableActions(names, true);
      if (rang.size === 0) return;
      // CloudWatch may have looked at some in between, and have told nobody what it saw.
      const now = await this.#alarms.find(alarmPrefix());
      const ringing = now.filter(({ name, state }) => state === "ALARM" && rang.has(name));
      await this.#calm(ringing.map(({ name }) => name));
    });
    if (woken.length > 0) await this.#each(doing, all, ({ arn }) => this.#alarms.untag(arn, [mutedTag]));
    return woken;
  }

  /** Only a change of state is told: one that rang unheard must ring again. */
  async #calm(names: Iterable<string>): Promise<void> {
    for (const name of names)
      await this.#alarms.setState(name, "OK", "ec2-backup sweep: it rang while it was muted");
  }

  /** All at once: what came of it, or nothing. */
  async some(doing: string, names: readonly string[], act: () => Promise<void>): Promise<readonly string[]> {
    if (names.length === 0) return [];
    try {
      if (this.#signal.aborted) throw interrupted(doing, "the sweep");
      await act();
      return names;
    } catch (error) {
      this.failures.push(failureOf(error, doing));
      return [];
    }
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
