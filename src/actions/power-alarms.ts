import {
  type Alarm,
  type AlarmKind,
  alarmPrefix,
  type FoundAlarm,
  keeperOf,
  type NamedAlarm,
  readAlarmName,
  renewedName,
} from "../core/alarm.ts";
import { awakening, type LastSigns, maySilence } from "../core/alarm-power.ts";
import { formatDuration } from "../core/duration.ts";
import { BackupError, type Failure, failureOf, sentenceOf } from "../core/errors.ts";
import type { MetricName } from "../core/metrics.ts";
import { mutedTag } from "../core/sweep-alarms.ts";
import { putSpared } from "./apply-alarms.ts";
import type { AlarmDeps } from "./look-at-alarms.ts";

/** What became of an alarm for missed backups when the instance went off or came back. */
export interface PowerChange {
  readonly alarm: string;
  readonly outcome: "silenced" | "left" | "enabled" | "renewed" | "removed" | "failed";
  readonly detail?: string;
  readonly failure?: Failure;
}

/** Of a job, or of a drill: those of both ring for silence. */
export type SignsOf = (name: string, kind: AlarmKind) => LastSigns;

type Deps = Pick<AlarmDeps, "alarms" | "clock">;

/** Before a power-off: the alarms for missed backups tell nobody, as long as the backups are in order. */
export async function silenceAlarms(
  instance: string,
  signs: SignsOf,
  deps: Deps,
): Promise<{ readonly changes: readonly PowerChange[]; readonly found: readonly FoundAlarm[] }> {
  const found = await deps.alarms.find(alarmPrefix(instance));
  const loud = missedAmong(found).filter((one) => one.found.actionsEnabled);
  const silent = loud.filter(({ found, job, kind }) => maySilence(found, signs(job, kind), deps.clock.now()));
  const names = new Set(silent.map((one) => one.found.name));
  const left = loud
    .filter((one) => !silent.includes(one))
    .map(
      (one): PowerChange => ({
        alarm: one.found.name,
        outcome: "left",
        detail: "its job's backups are late already, and that must be heard",
      }),
    );
  if (names.size === 0) return { changes: left, found };
  try {
    await deps.alarms.enableActions([...names], false);
    const changes = [...names].map((alarm): PowerChange => ({ alarm, outcome: "silenced" }));
    const now = found.map((one) => (names.has(one.name) ? { ...one, actionsEnabled: false } : one));
    return { changes: [...left, ...changes], found: now };
  } catch (error) {
    const failure = failureOf(error, "disable the actions of the alarms");
    const changes = [...names].map((alarm): PowerChange => ({ alarm, outcome: "failed", failure }));
    return { changes: [...left, ...changes], found };
  }
}

/**
 * After a start: what a power-off silenced tells again. It needs no configuration, since CloudWatch has the
 * alarms. `catchUp` is how long, in ms, a missed run may take to be made up for; `tagsOf` are the tags of a job's
 * alarm that is made anew.
 */
export async function wakeAlarms(
  instance: string,
  signs: SignsOf,
  tagsOf: (job: string) => Alarm["tags"],
  catchUp: number,
  deps: Deps,
): Promise<readonly PowerChange[]> {
  const missed = missedAmong(await deps.alarms.find(alarmPrefix(instance)));
  const changes: PowerChange[] = [];
  const names = new Map(missed.map((one) => [`${one.kind} ${one.job}`, one]));
  for (const { job, kind } of names.values()) {
    const same = missed.filter((one) => one.job === job && one.kind === kind).map((one) => one.found);
    const keeper = keeperOf(same);
    for (const one of same.filter((each) => each !== keeper)) changes.push(await removeLeft(one, deps));
    if (keeper === undefined || keeper.actionsEnabled) continue;
    const way = awakening(keeper, signs(job, kind), catchUp, deps.clock.now());
    changes.push(
      ...(await attempt(keeper.name, () =>
        way.kind === "enable"
          ? enable(keeper, deps)
          : renew(keeper, { job, kind, tags: tagsOf(job) }, way.warmUpMinutes, deps),
      )),
    );
  }
  return changes;
}

async function attempt(
  alarm: string,
  body: () => Promise<readonly PowerChange[]>,
): Promise<readonly PowerChange[]> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    return [failed("enable", alarm, error)];
  }
}

function failed(what: string, alarm: string, error: unknown): PowerChange {
  return { alarm, outcome: "failed", failure: failureOf(error, `${what} ${alarm}`) };
}

/** What a death in the midst of a renewal left. */
async function removeLeft({ name }: FoundAlarm, { alarms }: Deps): Promise<PowerChange> {
  try {
    await alarms.remove([name]);
    return { alarm: name, outcome: "removed", detail: "another alarm stands in its place" };
  } catch (error) {
    return failed("remove", name, error);
  }
}

async function enable(
  { name, arn, state }: FoundAlarm,
  { alarms }: Deps,
  because?: string,
): Promise<readonly PowerChange[]> {
  const notes = because === undefined ? [] : [`it could not be made anew (${because})`];
  if (state === "ALARM") notes.push(await calm(name, alarms));
  await alarms.enableActions([name], true);
  notes.push(...(await unmark(arn, alarms)));
  return [{ alarm: name, outcome: "enabled", ...(notes.length === 0 ? {} : { detail: notes.join("; ") }) }];
}

/** With the mark of a sweep that had muted it, another sweep would enable it again whoever disables it later. */
async function unmark(arn: string, alarms: AlarmDeps["alarms"]): Promise<readonly string[]> {
  try {
    await alarms.untag(arn, [mutedTag]);
    return [];
  } catch (error) {
    return [
      `the tag ${mutedTag} stays, if a sweep has put it there: ${sentenceOf(failureOf(error, "take it off"))}`,
    ];
  }
}

/** Only a change of state is told: an alarm that rang silently must ring again, should the silence go on. */
async function calm(name: string, alarms: AlarmDeps["alarms"]): Promise<string> {
  try {
    await alarms.setState(name, "OK", "ec2-backup alarms resume: it rang while the instance was off");
    return "it rang while the instance was off, and will ring until a backup is made";
  } catch (error) {
    const why = sentenceOf(failureOf(error, `set ${name} to OK`));
    return `it rang silently and says nothing more until a backup is made and missed again: ${why}`;
  }
}

/**
 * Only a new alarm is spared, so it is made anew under its other name, and goes once the new one is there. Where
 * that cannot be, for want of rights or of CloudWatch's knowing warm-ups, it is enabled as it is.
 */
async function renew(
  found: FoundAlarm,
  { job, kind, tags }: Pick<Alarm, "job" | "kind" | "tags">,
  minutes: number,
  deps: Deps,
): Promise<readonly PowerChange[]> {
  const { alarms } = deps;
  const alarm = alarmOf(found, { job, kind, tags });
  let spared = false;
  try {
    spared = await putSpared(alarm.name, minutes, deps, (options) => alarms.put(alarm, options));
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    const why = sentenceOf(failureOf(error, `make ${alarm.name}`));
    return [...(await enable(found, deps, why)), ...(await discard(alarm.name, alarms))];
  }
  if (!spared) {
    const enabled = await enable(found, deps, "CloudWatch spares no new alarm here");
    return [...enabled, ...(await discard(alarm.name, alarms))];
  }
  const renewed: PowerChange = {
    alarm: alarm.name,
    outcome: "renewed",
    detail: `spared for ${formatDuration(minutes * 60_000)}, until its first data are due`,
  };
  return [renewed, ...(await discard(found.name, alarms))];
}

/** Removes an alarm that may be there. */
async function discard(name: string, alarms: AlarmDeps["alarms"]): Promise<readonly PowerChange[]> {
  try {
    const there = (await alarms.find(name)).some((one) => one.name === name);
    if (there) await alarms.remove([name]);
    return [];
  } catch (error) {
    return [failed("remove", name, error)];
  }
}

/** The same alarm under its other name. */
function alarmOf(found: FoundAlarm, { job, kind, tags }: Pick<Alarm, "job" | "kind" | "tags">): Alarm {
  return {
    ...found,
    name: renewedName(found.name),
    kind,
    job,
    metric: found.metric as MetricName,
    treatMissingData: "breaching",
    actions: found.alarmActions,
    tags,
    tellsWithin: 0,
  };
}

function missedAmong(
  found: readonly FoundAlarm[],
): readonly (Pick<NamedAlarm, "job" | "kind"> & { readonly found: FoundAlarm })[] {
  return found.flatMap((one) => {
    const name = readAlarmName(one.name);
    if (name?.kind !== "missed" && name?.kind !== "drill") return [];
    return [{ found: one, job: name.job, kind: name.kind }];
  });
}
