import { alarmPrefix, readAlarmName, type WrittenAlarm } from "../core/alarm.ts";
import type { AlarmChange } from "../core/alarm-plan.ts";
import type { AlarmsPlan } from "../core/alarms-plan.ts";
import { formatDuration } from "../core/duration.ts";
import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import { enablingCommand } from "../core/judge-alarms.ts";
import { topicPolicy } from "../core/topic-policy.ts";
import type { AlarmDeps, AlarmRequest } from "./look-at-alarms.ts";

/** What became of one thing that was to be changed. */
export interface Applied {
  readonly what: string;
  readonly outcome: "created" | "updated" | "removed" | "waits" | "disabled" | "subscribed" | "failed";
  readonly detail?: string;
  readonly failure?: Failure;
}

/** What is to be made so, of an instance or of a whole account in a Region. */
export interface AppliedPlan extends Pick<AlarmsPlan, "topic"> {
  readonly changes: readonly AlarmChange<WrittenAlarm>[];
}

export type ApplyDeps = Pick<AlarmDeps, "alarms" | "topics" | "clock" | "pause" | "signal">;

/** Makes the differences of a plan disappear. One that fails never stops the others. */
export async function applyAlarms(
  plan: AppliedPlan,
  { place, facts }: Pick<AlarmRequest, "place"> & { readonly facts: Pick<AlarmRequest["facts"], "settings"> },
  deps: ApplyDeps,
): Promise<readonly Applied[]> {
  const done: Applied[] = [];
  const { topic } = plan;
  if (topic?.action === "create") {
    const name = facts.settings.createTopic ?? "";
    const made = await attempt(topic.arn, "make the topic", async () => {
      await deps.topics.create(name, topicPolicy(place, name), { "ec2-backup:made": "yes" });
      return { outcome: "created" };
    });
    done.push(made);
    // Alarms that tell nobody would look as if all were well.
    if (made.outcome === "failed") return done;
  }
  for (const address of topic?.subscribe ?? []) {
    done.push(
      await attempt(address, "subscribe the address", async () => {
        await deps.topics.subscribe(topic?.arn ?? "", "email", address);
        return { outcome: "subscribed", detail: "nothing arrives until the link in the e-mail is followed" };
      }),
    );
  }
  for (const change of plan.changes) {
    if ("alarm" in change && "found" in change && !change.found.actionsEnabled)
      done.push({ what: change.found.name, outcome: "disabled", detail: enabling(change.found.name) });
    if (change.action === "keep" || change.action === "orphan") continue;
    done.push(await applyOne(change, deps));
    await deps.clock.sleep(deps.pause, deps.signal);
    if (deps.signal.aborted) throw interrupted("write the alarms", "it");
  }
  return done;
}

/** Who disabled it may have meant it, so that is not undone, but it is not passed over either. */
function enabling(name: string): string {
  return `it tells nobody; ${enablingCommand([name])}`;
}

type Writing = Exclude<AlarmChange<WrittenAlarm>, { readonly action: "keep" | "orphan" }>;

function applyOne(change: Writing, deps: ApplyDeps): Promise<Applied> {
  switch (change.action) {
    case "remove":
      return attempt(change.found.name, "remove the alarm", async () => {
        await deps.alarms.remove([change.found.name]);
        return { outcome: "removed" };
      });
    case "update":
      return attempt(change.alarm.name, "update the alarm", async () => {
        await deps.alarms.put(change.alarm, { actionsEnabled: change.found.actionsEnabled });
        return { outcome: "updated", detail: change.differences.map(({ field }) => field).join(", ") };
      });
    case "create":
      return attempt(change.alarm.name, "make the alarm", () => create(change, deps));
  }
}

type Result = Pick<Applied, "outcome" | "detail">;

async function create(
  { alarm, start }: Extract<AlarmChange<WrittenAlarm>, { readonly action: "create" }>,
  deps: ApplyDeps,
): Promise<Result> {
  if (start.kind === "wait") {
    return { outcome: "waits", detail: `${start.because}; ${start.remedy}` };
  }
  if (start.kind === "at-once") {
    await deps.alarms.put(alarm);
    return { outcome: "created" };
  }
  if (await putSpared(alarm.name, start.minutes, deps, (options) => deps.alarms.put(alarm, options))) {
    return {
      outcome: "created",
      detail: `spared for ${formatDuration(start.minutes * 60_000)}, until its first data are due`,
    };
  }
  if (start.else === "at-once") {
    await deps.alarms.put(alarm);
    return { outcome: "created", detail: `${start.because}; ${start.remedy}` };
  }
  await deps.alarms.remove([alarm.name]);
  return { outcome: "waits", detail: `${start.because}; ${start.remedy}` };
}

/**
 * Puts a new alarm with a warm-up and tells whether CloudWatch took it: one that does not know of warm-ups
 * drops what it does not know. Until that is seen the alarm tells nobody.
 */
export async function putSpared(
  name: string,
  warmUpMinutes: number,
  deps: Pick<AlarmDeps, "alarms">,
  put: (options: { warmUpMinutes: number; actionsEnabled: false }) => Promise<void>,
): Promise<boolean> {
  try {
    await put({ warmUpMinutes, actionsEnabled: false });
  } catch (error) {
    if (error instanceof BackupError && error.kind === "refused") return false;
    throw error;
  }
  const found = (await deps.alarms.find(name)).find((one) => one.name === name);
  if (found?.warmUpMinutes === undefined) return false;
  await deps.alarms.enableActions([name], true);
  return true;
}

/** Removes this instance's alarms, and no other. */
export async function removeAlarms(
  instance: string,
  deps: AlarmDeps,
  dryRun: boolean,
): Promise<readonly Applied[]> {
  const found = await deps.alarms.find(alarmPrefix(instance));
  const ours = found.filter(({ name }) => readAlarmName(name)?.instance === instance);
  const done: Applied[] = [];
  for (const found of ours) {
    if (dryRun) {
      done.push({ what: found.name, outcome: "removed", detail: "not done: --dry-run" });
      continue;
    }
    done.push(await applyOne({ action: "remove", found }, deps));
    await deps.clock.sleep(deps.pause, deps.signal);
    if (deps.signal.aborted) throw interrupted("remove the alarms", "it");
  }
  return done;
}

async function attempt(what: string, doing: string, body: () => Promise<Result>): Promise<Applied> {
  try {
    return { what, ...(await body()) };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    return { what, outcome: "failed", failure: failureOf(error, `${doing} ${what}`) };
  }
}
