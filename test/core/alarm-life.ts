import type { Alarm, FoundAlarm } from "../../src/core/alarm.ts";
import { awakening, maySilence } from "../../src/core/alarm-power.ts";
import { defaultAlarmSettings } from "../../src/core/alarm-settings.ts";
import { alarmsFor } from "../../src/core/alarms.ts";
import type { Job } from "../../src/core/job.ts";
import { defaultRetention } from "../../src/core/retention-policy.ts";
import { nextSlot, parseSchedule, previousSlot } from "../../src/core/schedule.ts";
import { ModelledAlarm } from "./alarm-model.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export function jobOf(schedule: string | undefined, change: Partial<Job> = {}): Job {
  return {
    name: "default",
    ...(schedule === undefined ? {} : { schedule }),
    timezone: "UTC",
    splay: hour,
    volumes: { root: true, exclude: [] },
    retention: defaultRetention,
    addTags: {},
    hooks: [],
    whenLess: "degrade",
    dialect: "none",
    waits: {} as Job["waits"],
    ...change,
  };
}

export const instance = {
  id: "i-0fa00000000000001",
  arn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0fa00000000000001",
  name: "host",
};

export const facts = (job: Job, now: Date) => ({
  instance,
  jobs: [job],
  metrics: {
    namespace: "EC2Backup",
    dimensions: ["Server", "Job"] as const,
    enabled: true,
    outputs: ["cloudwatch"] as const,
    perVolume: false,
  },
  settings: defaultAlarmSettings,
  durations: {},
  now,
});

export function missedAlarm(job: Job, now: Date): { alarm: Alarm; beat: boolean } {
  const { alarms, beats } = alarmsFor(facts(job, now));
  const alarm = alarms.find(({ kind }) => kind === "missed");
  if (alarm === undefined) throw new Error("there is no alarm for missed backups");
  return { alarm, beat: beats.length > 0 };
}

export interface Life {
  readonly job: Job;
  readonly from: number;
  readonly until: number;
  /** From when on nothing runs any more. */
  readonly deadFrom?: number;
  readonly off?: { readonly from: number; readonly to: number };
  /** Whether a power-off may silence the alarm. */
  readonly mayPause?: boolean;
  readonly extra: number;
  readonly phase: number;
  readonly random: () => number;
}

/** A message that somebody got. */
export interface Message {
  readonly at: number;
  readonly state: "ALARM" | "OK";
}

/**
 * The life of an instance whose runs do not wait, so that each tells the age of the point before its own.
 * After a time off it makes up for what it missed, ten minutes and the splay after its start.
 */
export function live(life: Life): { messages: Message[]; lastCapture: number; alarm: Alarm } {
  const { job, until, random } = life;
  const share = Math.floor(random() * job.splay);
  const schedule = parseSchedule(job.schedule ?? "");
  const before = previousSlot(schedule, job.timezone, new Date(life.from - share));
  const { alarm, beat } = missedAlarm(job, new Date(life.from));
  // It is made after a run, and spared until CloudWatch can see what that told.
  const from = beat ? life.from : before.getTime() + share;
  const model = new ModelledAlarm(alarm, from, life.extra, life.phase);
  model.spareUntil(from + 75 * minute);
  const messages: Message[] = [];
  let enabled = true;
  let seen = 0;
  const hear = (): void => {
    for (const { at, from: before, to } of model.changes.slice(seen)) {
      if (enabled && (to === "ALARM" || (to === "OK" && before === "ALARM")))
        messages.push({ at, state: to });
    }
    seen = model.changes.length;
  };
  const captures: number[] = [before.getTime() + share];
  let told = from;
  const tell = (at: number, of: number | undefined): void => {
    if (of === undefined) return;
    model.add({ at, value: (at - of) / 1000 });
    told = at;
  };
  model.add({ at: from, value: alarm.threshold / 2 });
  for (const { at, kind } of happenings({ ...life, from }, share, beat)) {
    model.advance(at);
    hear();
    if (kind === "beat") tell(at, captures.at(-1));
    if (kind === "run") {
      // Settled by the next run, whatever its size.
      tell(at + Math.floor((1 + 14 * random()) * minute), captures.at(-1));
      captures.push(at);
    }
    const found = { ...alarm, state: model.state } as unknown as FoundAlarm;
    const signs = { captured: new Date(captures.at(-1) ?? 0), told: new Date(told) };
    if (kind === "off" && life.mayPause === true && maySilence(found, signs, new Date(at))) enabled = false;
    if (kind === "on" && !enabled) {
      const way = awakening(found, signs, 10 * minute + job.splay + 2 * hour, new Date(at));
      if (way.kind === "renew") model.spareUntil(at + way.warmUpMinutes * minute);
      enabled = true;
    }
  }
  model.advance(until);
  hear();
  return { messages, lastCapture: captures.at(-1) ?? from, alarm };
}

type Happening = { readonly at: number; readonly kind: "run" | "beat" | "off" | "on" };

function happenings(
  { job, from, until, deadFrom = until, off, random }: Life,
  share: number,
  beat: boolean,
): Happening[] {
  const runs: Happening[] = [];
  const schedule = parseSchedule(job.schedule ?? "");
  const asleep = (at: number) => off !== undefined && at >= off.from && at < off.to;
  let missed = false;
  for (let slot = nextSlot(schedule, job.timezone, new Date(from - share)); ; ) {
    const at = slot.getTime() + share;
    if (at >= deadFrom) break;
    if (asleep(at)) missed = true;
    else {
      // A restart in the middle of things puts a run off by some minutes.
      const reboot = random() < 0.1 ? Math.floor(random() * 15) * minute : 0;
      runs.push({ at: at + reboot, kind: "run" });
    }
    slot = nextSlot(schedule, job.timezone, slot);
  }
  const power: Happening[] =
    off === undefined
      ? []
      : [
          { at: off.from, kind: "off" },
          { at: off.to, kind: "on" },
        ];
  if (off !== undefined && missed && off.to < deadFrom) {
    runs.push({ at: off.to + 10 * minute + share, kind: "run" });
  }
  const beats: Happening[] = [];
  const late = Math.floor(random() * hour);
  for (let at = Math.ceil(from / (6 * hour)) * 6 * hour + late; beat && at < deadFrom; at += 6 * hour) {
    if (!asleep(at)) beats.push({ at, kind: "beat" });
    else if (off !== undefined && at + 6 * hour >= off.to)
      beats.push({ at: off.to + 2 * minute, kind: "beat" });
  }
  return [...runs, ...beats, ...power].sort((a, b) => a.at - b.at);
}
