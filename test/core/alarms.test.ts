import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Alarm,
  alarmKinds,
  alarmName,
  type FoundAlarm,
  readAlarmName,
  renewedName,
} from "../../src/core/alarm.ts";
import { costOf } from "../../src/core/alarm-cost.ts";
import { planAlarms } from "../../src/core/alarm-plan.ts";
import { defaultAlarmSettings } from "../../src/core/alarm-settings.ts";
import { startOf } from "../../src/core/alarm-start.ts";
import { longestSilence, silenceWindow, toldWithin } from "../../src/core/alarm-window.ts";
import { alarmsFor, type PublishedMetrics, watched } from "../../src/core/alarms.ts";
import { metricsOf, metricTable, ofDrills } from "../../src/core/metrics.ts";
import { slowLimit } from "../../src/core/slow-runs.ts";
import { day, facts, hour, instance, jobOf, minute } from "./alarm-life.ts";
import { report } from "./reports.ts";

const now = new Date("2027-03-01T11:20:00Z");
const topic = "arn:aws:sns:eu-central-1:111122223333:backup";

/** The alarm as CloudWatch would show it after it was put. */
function found(alarm: Alarm, change: Partial<FoundAlarm> = {}): FoundAlarm {
  const { actions, tags: _, kind: _kind, job: _job, tellsWithin: _within, ...rest } = alarm;
  return {
    ...rest,
    arn: `arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${alarm.name}`,
    statistic: "Maximum",
    comparison: "GreaterThanThreshold",
    alarmActions: actions,
    okActions: actions,
    insufficientDataActions: [],
    actionsEnabled: true,
    state: "OK",
    reason: "",
    ...change,
  };
}

describe("a window of silence", () => {
  it("keeps CloudWatch's limits and is at least as long as the silence", () => {
    fc.assert(
      fc.property(fc.integer({ min: minute, max: longestSilence }), (silence) => {
        const window = silenceWindow(silence);
        const total = (window?.period ?? 0) * (window?.evaluationPeriods ?? 0);
        expect(total * 1000).toBeGreaterThanOrEqual(silence);
        expect(total).toBeLessThanOrEqual((window?.period ?? 0) < 3_600 ? 86_400 : 604_800);
        expect((window?.period ?? 1) % 60).toBe(0);
        expect(window?.datapointsToAlarm).toBe(window?.evaluationPeriods);
      }),
    );
    expect(silenceWindow(longestSilence + 1)).toBeUndefined();
  });

  it("promises for a nightly job the 26 hours, two for the wider range, one for the period and one until the next evaluation", () => {
    const window = silenceWindow(26 * hour);
    expect(window).toEqual({ period: 3_600, evaluationPeriods: 26, datapointsToAlarm: 26 });
    expect(window && toldWithin(window)).toBe(30 * hour + 2 * minute);
  });
});

describe("the alarms of a job", () => {
  const job = jobOf("0 2 * * *", { consistency: "filesystem" });
  const settings = { ...defaultAlarmSettings, slowerThan: 15 * minute };

  it("watch metrics that runs publish, with their dimensions and no unit", () => {
    const { alarms } = alarmsFor({ ...facts(job, now), settings, topic });
    expect(alarms.map(({ name }) => name)).toEqual(
      alarmKinds
        .filter((kind) => kind !== "drill" && kind !== "upkeep" && kind !== "copy-lag")
        .map((kind) => alarmName(instance.id, "default", kind)),
    );
    const stillness = { demanded: "filesystem", achieved: "filesystem", hooks: [] } as const;
    const newestComplete = { captured: now.toISOString(), bytes: 1, ageSeconds: 1 };
    const published = metricsOf(report({ stillness, series: { complete: 1, newestComplete } }));
    for (const { metric } of alarms) expect(published.map(({ name }) => name)).toContain(metric);
    expect(alarms[0]).toMatchObject({
      threshold: 26 * 3_600,
      dimensions: { Server: instance.id, Job: "default" },
      treatMissingData: "breaching",
      actions: [topic],
      tags: { "ec2-backup:instance": instance.arn },
    });
    expect(alarms.slice(1).map(({ treatMissingData }) => treatMissingData)).toEqual([
      "ignore",
      "ignore",
      "ignore",
    ]);
    for (const metric of Object.values(watched)) expect(metricTable).toHaveProperty(metric);
  });

  it.each([
    [{ jobs: [jobOf(undefined)] }, "missed", /no schedule/],
    [{ jobs: [{ ...jobOf("0 2 * * *"), missedAfter: 24 * hour }] }, "missed", /too short/],
    [{ settings: defaultAlarmSettings }, "slow", /0 of at least 5 runs/],
    [{ jobs: [jobOf("0 2 * * *")] }, "degraded", /demands no consistency/],
    [{ metrics: published({ dimensions: ["Job"] }) }, "errors", /dead instance/],
    [{ metrics: published({ outputs: ["prometheus"] }) }, "missed", /do not go to CloudWatch/],
    [{ metrics: published({ only: ["Size"] }) }, "errors", /^Errors, which it would watch, is not published/],
    [{ metrics: published({ only: ["Errors"] }) }, "missed", /^SecondsSinceLastBackup, which/],
    [{ metrics: published({ enabled: false }) }, "errors", /off/],
  ])("are not made where they would mean nothing, and it is said why (%#)", (change, kind, because) => {
    const { alarms, unmade } = alarmsFor({ ...facts(job, now), settings, ...change });
    expect(unmade.find((one) => one.kind === kind)?.because).toMatch(because);
    expect(alarms.map((alarm) => alarm.kind)).not.toContain(kind);
  });

  it("watch the copies in each Region by the lag of its own, twice as long as a backup may be missed", () => {
    const copy = [{ region: "eu-west-1" }, { region: "us-west-2" }];
    const { alarms, unmade } = alarmsFor({ ...facts(jobOf("0 2 * * *", { copy }), now), settings });
    const lags = alarms.filter(({ kind }) => kind === "copy-lag");
    expect(lags).toMatchObject([
      {
        name: `ec2-backup/${instance.id}/default/eu-west-1/copy-lag`,
        metric: "CopyLag",
        dimensions: { Server: instance.id, Job: "default", Region: "eu-west-1" },
        threshold: 52 * 3_600,
        treatMissingData: "ignore",
      },
      { name: `ec2-backup/${instance.id}/default/us-west-2/copy-lag` },
    ]);
    for (const { name, region } of lags) {
      const read = { instance: instance.id, job: "default", kind: "copy-lag", region };
      expect(readAlarmName(name)).toEqual(read);
      expect(readAlarmName(renewedName(name))).toEqual(read);
      expect(renewedName(renewedName(name))).toBe(name);
    }
    expect(unmade.filter(({ kind }) => kind === "copy-lag")).toEqual([]);
    const changes = planAlarms(
      lags,
      lags.map((one) => found(one)),
      () => ({ kind: "at-once" }),
    );
    expect(changes.map(({ action }) => action)).toEqual(["keep", "keep"]);
    const cost = (job: ReturnType<typeof jobOf>) =>
      costOf([job], published({}), 1, 0, defaultAlarmSettings.prices).metrics;
    expect(cost(jobOf("0 2 * * *", { copy })) - cost(jobOf("0 2 * * *"))).toBe(2);
  });

  it("watch drills by their own age, of the host that drills, and weekly ones by a beat", () => {
    const timed = { timezone: "UTC", splay: 0, covers: 1 };
    const drills = [
      { name: "daily", schedule: "30 5 * * *", ...timed },
      { name: "weekly", schedule: "30 5 * * 0", ...timed },
      { name: "by-hand", ...timed },
    ];
    const { alarms, beats, unmade } = alarmsFor({ ...facts(job, now), drills, settings });
    const [daily, weekly] = alarms.filter(({ kind }) => kind === "drill");
    expect(daily).toMatchObject({
      name: `ec2-backup/${instance.id}/daily/drill`,
      metric: "SecondsSinceLastRestoreVerified",
      dimensions: { Server: instance.id, Job: "daily" },
      threshold: 26 * 3_600,
      treatMissingData: "breaching",
    });
    expect(weekly).toMatchObject({ name: `ec2-backup/${instance.id}/weekly/drill`, threshold: 170 * 3_600 });
    expect(beats).toEqual(["drill/weekly"]);
    expect(unmade.find(({ kind }) => kind === "drill")).toMatchObject({
      job: "by-hand",
      remedy: "set drill.by-hand.missedAfter, such as 26h",
    });
    expect(readAlarmName(daily?.name ?? "")).toEqual({ instance: instance.id, job: "daily", kind: "drill" });
    const apart = alarmsFor({
      ...facts(job, now),
      drills,
      settings,
      metrics: published({ dimensions: ["Server"] }),
    });
    expect(apart.alarms.filter(({ kind }) => kind === "drill")).toEqual([]);
  });

  it("watch the errors of upkeep by the name that its metrics have, which none of a job has", () => {
    const repositories = ["default"];
    const { alarms, beats } = alarmsFor({ ...facts(job, now), repositories, settings });
    const upkeep = alarms.find(({ kind }) => kind === "upkeep");
    expect(upkeep).toMatchObject({
      name: `ec2-backup/${instance.id}/default/upkeep`,
      metric: "Errors",
      dimensions: { Server: instance.id, Job: "repository:default" },
      threshold: 0,
      treatMissingData: "ignore",
    });
    expect(upkeep?.description).toMatch(/^Upkeep of repository default on host/);
    expect(beats).toEqual([]);
    const name = readAlarmName(upkeep?.name ?? "");
    expect(name).toEqual({ instance: instance.id, job: "default", kind: "upkeep" });
    const apart = published({ dimensions: ["Server"] });
    const { unmade } = alarmsFor({ ...facts(job, now), repositories, settings, metrics: apart });
    expect(unmade.find(({ kind }) => kind === "upkeep")?.because).toMatch(/jobs and repositories are one/);
  });

  it("are one set where the metrics do not tell several jobs apart", () => {
    const jobs = [job, jobOf("every 1h", { name: "logs" })];
    const metrics = published({ namespace: "Organization/Backup", dimensions: ["Server"] });
    const { alarms, unmade } = alarmsFor({ ...facts(job, now), jobs, settings, metrics });
    expect(alarms.map(({ name }) => name.split("/").slice(2).join("/"))).toEqual([
      "all/errors",
      "all/degraded",
    ]);
    expect(unmade.map(({ kind }) => kind)).toEqual(["missed", "slow"]);
    expect(alarms[0]?.dimensions).toEqual({ Server: instance.id });
  });

  it("watch a monthly job by its beat, and say so", () => {
    const { alarms, beats, notes } = alarmsFor({ ...facts(jobOf("0 3 1 * *"), now), settings });
    expect(alarms[0]).toMatchObject({ kind: "missed", threshold: (31 * 24 + 2) * 3_600, period: 900 });
    expect(beats).toEqual(["default"]);
    expect(notes.join()).toMatch(/7 days.*ec2-backup-beat\.timer/);
  });

  it("cost what their number and that of their metrics come to, at the prices given", () => {
    const prices = { asOf: "2027-01", metric: 1, alarm: 0.25, dashboard: 3 };
    // This job copies nowhere.
    const names = Object.keys(metricTable).length - ofDrills.length - 1;
    const count = (change: Partial<PublishedMetrics> = {}, jobs = [job]) =>
      costOf(jobs, published(change), 3, 0, prices).metrics;
    expect(costOf([job], published(), 3, 4, prices)).toMatchObject({
      metrics: names - 1,
      alarms: 4,
      dollars: names,
    });
    expect(count({ dimensions: ["Server"] }, [job, job])).toBe(names - 1);
    expect(count({}, [job, job])).toBe(2 * (names - 1));
    const drills = [{ covers: 1 }, { covers: 3 }];
    expect(costOf([], published(), 3, 0, prices, drills).metrics).toBe(1 + 2 + 1 + 2 * 3);
    expect(costOf([], published({ only: ["RestoreVerified"] }), 3, 0, prices, drills).metrics).toBe(4);
    expect(costOf([], published({ enabled: false }), 3, 0, prices, drills).metrics).toBe(0);
    expect(count({ only: ["Size", "ElapsedTime"] })).toBe(2);
    expect(count({ outputs: ["prometheus"] })).toBe(0);
    expect(count({ outputs: ["emf", "prometheus"], only: ["Errors"] })).toBe(1);
    expect(count({ perVolume: true })).toBe(names - 1 + 2 * 3);
    expect(count({ perVolume: true, only: ["Size"] }, [job, job])).toBe(2 * (1 + 3));
    expect(count({ dimensions: ["Server", "Drive"], only: ["ElapsedTime", "Size", "Errors"] })).toBe(9);
  });
});

function published(change: Partial<PublishedMetrics> = {}): PublishedMetrics {
  return { ...facts(jobOf("0 2 * * *"), now).metrics, ...change };
}

describe("a plan", () => {
  const settings = { ...defaultAlarmSettings, slowerThan: 15 * minute };
  const { alarms } = alarmsFor({ ...facts(jobOf("0 2 * * *"), now), settings, topic });
  const atOnce = () => ({ kind: "at-once" }) as const;

  it("keeps what is as it should be, whether or not its actions are enabled", () => {
    const there = alarms.map((alarm) =>
      found(alarm, { actionsEnabled: false, state: "ALARM", warmUpMinutes: 75 }),
    );
    expect(planAlarms(alarms, there, atOnce).map(({ action }) => action)).toEqual(alarms.map(() => "keep"));
  });

  it.each([
    { threshold: 7 },
    { period: 60 },
    { evaluationPeriods: 9 },
    { datapointsToAlarm: 9 },
    { treatMissingData: "missing" },
    { unit: "Count" },
    { metric: "SnapErrors" },
    { namespace: "Other" },
    { dimensions: { Server: "i-0" } },
    { statistic: "Sum" },
    { comparison: "LessThanThreshold" },
    { alarmActions: [] },
    { okActions: [] },
    { insufficientDataActions: [topic] },
    { description: "" },
  ])("updates what differs, and names it (%j)", (change) => {
    const there = alarms.map((alarm, index) => found(alarm, index === 1 ? change : {}));
    const changes = planAlarms(alarms, there, atOnce);
    expect(changes.map(({ action }) => action)).toEqual(["keep", "update", "keep"]);
    const [update] = changes.filter((one) => one.action === "update");
    expect(update?.differences.map(({ field }) => field)).toEqual(Object.keys(change));
  });

  it("takes an alarm that was made anew for what it is, and removes what a death left beside it", () => {
    const [missed] = alarms;
    if (missed === undefined) return expect.fail();
    const name = renewedName(missed.name);
    const anew = found({ ...missed, name });
    const old = found(missed, { actionsEnabled: false });
    expect(planAlarms([missed], [anew], atOnce)).toMatchObject([{ action: "keep", found: { name } }]);
    const both = planAlarms([missed], [old, anew], atOnce);
    expect(both.map((one) => [one.action, "found" in one && one.found.name])).toEqual([
      ["keep", name],
      ["remove", missed.name],
    ]);
    const spared = found({ ...missed, name }, { actionsEnabled: false, warmUpMinutes: 60 });
    expect(planAlarms([missed], [old, spared], atOnce)).toMatchObject([
      { action: "keep", found: { name } },
      { action: "remove", found: { name: missed.name } },
    ]);
    expect(renewedName(name)).toBe(missed.name);
    expect(readAlarmName(name)).toEqual(readAlarmName(missed.name));
  });

  it("removes only what bears a name of ours", () => {
    const [one] = alarms;
    if (one === undefined) return expect.fail();
    const named = (name: string) => found({ ...one, name });
    const gone = named(alarmName(instance.id, "gone", "errors"));
    const foreign = named(`ec2-backup/${instance.id}/by-hand`);
    expect(planAlarms([], [gone, foreign], atOnce)).toEqual([{ action: "remove", found: gone }]);
    expect(readAlarmName(foreign.name)).toBeUndefined();
  });
});

describe("a new alarm", () => {
  const nightly = jobOf("0 2 * * *");
  const [missed, errors] = alarmsFor({
    ...facts(nightly, now),
    settings: { ...defaultAlarmSettings },
  }).alarms;
  const start = (
    alarm: Alarm | undefined,
    known: Parameters<typeof startOf>[2],
    job = nightly,
    beat = false,
  ) => (alarm === undefined ? expect.fail() : startOf(alarm, job, known, beat, now));

  it("begins at once if it has no state without data, or finds data that can be seen", () => {
    expect(start(errors, { complete: false })).toEqual({ kind: "at-once" });
    const known = { told: new Date("2027-03-01T10:50:00Z"), complete: true };
    expect(start(missed, known)).toEqual({ kind: "at-once" });
  });

  it("is spared until CloudWatch sees data of the hour that has begun", () => {
    const known = { told: new Date("2027-03-01T11:10:00Z"), complete: true };
    expect(start(missed, known)).toMatchObject({ kind: "warm-up", minutes: 75 });
  });

  it("is spared until the next run has told an age, the one after it if there is no complete point yet", () => {
    const untilTwo = 14 * 60 + 40 + 60 + 120;
    expect(start(missed, { complete: true })).toMatchObject({ kind: "warm-up", minutes: untilTwo });
    expect(start(missed, { complete: false })).toMatchObject({ kind: "warm-up", minutes: untilTwo + 1_440 });
  });

  it("waits where no warm-up is long enough, or nothing beats yet", () => {
    expect(start(missed, { complete: false }, jobOf("every 5d"))).toMatchObject({ kind: "wait" });
    const beating = start(missed, { complete: true }, jobOf("0 3 1 * *"), true);
    expect(beating).toMatchObject({ kind: "wait", remedy: expect.stringContaining("ec2-backup-beat.timer") });
  });
});

describe("the automatic limit for slow runs", () => {
  it("is three times the median of the last fourteen, in whole minutes, from five runs on", () => {
    expect(slowLimit([60_000, 60_000, 60_000, 60_000])).toEqual({ kind: "too-few", runs: 4 });
    const old = Array.from({ length: 30 }, () => day);
    const fourteen = [...Array.from({ length: 13 }, (_, index) => (index + 1) * minute), 10 * hour];
    expect(slowLimit([...old, ...fourteen])).toEqual({
      kind: "limit",
      slowerThan: 23 * minute,
      median: 7.5 * minute,
      runs: 14,
    });
    expect(slowLimit([1, 1, 1, 1, 1])).toMatchObject({ slowerThan: minute });
  });
});
