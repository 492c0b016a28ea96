import { describe, expect, test } from "vitest";
import { runWords } from "../../src/agent/daemon.ts";
import { checksumsIn } from "../../src/core/checksum-list.ts";
import {
  type Drill,
  drillable,
  missingVolumes,
  pathsWithin,
  rawVolumes,
  subjectsOf,
} from "../../src/core/drill.ts";
import { noticeOfDrill } from "../../src/core/drill-notice.ts";
import {
  ageOfDrill,
  type DrillReport,
  exitCodeOfDrills,
  metricsOfDrill,
  outcomeOf,
  problemsOf,
  taggedSnapshots,
  verifiedTag,
  withReports,
} from "../../src/core/drill-report.ts";
import { samplesOfDrill, withDrillSamples } from "../../src/core/drill-samples.ts";
import { isTroubled, judgeDrill } from "../../src/core/drill-status.ts";
import { metricTable } from "../../src/core/metrics.ts";
import { samplesIn, textOf } from "../../src/core/prometheus.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";

const arn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1";
const now = new Date("2026-11-08T06:00:00Z");

function point(change: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    id: "p1",
    run: "",
    job: "default",
    series: "",
    instanceArn: arn,
    state: "complete",
    captured: new Date("2026-11-08T02:00:00Z"),
    consistency: "crash",
    snapshots: [],
    recipe: [],
    holds: [],
    ...change,
  };
}

function report(change: Partial<DrillReport> = {}): DrillReport {
  return {
    version: 1,
    run: "r",
    drill: "weekly",
    trigger: "schedule",
    host: "i-0host",
    subject: { id: "i-0aaaaaaaaaaaaaaa1", name: "web" },
    job: "default",
    point: { id: "p1", captured: "2026-11-08T02:00:00.000Z", snapshots: ["snap-1"] },
    started: "2026-11-08T05:30:00.000Z",
    finished: "2026-11-08T05:31:00.000Z",
    elapsedMs: 42_000,
    outcome: "verified",
    planned: false,
    sizeGiB: 8,
    volumes: [],
    left: [],
    checks: [],
    notes: [],
    problems: [],
    ...change,
  };
}

const error = (kind: DrillReport["problems"][number]["kind"]) =>
  ({ severity: "error", kind, doing: "drill", found: "found" }) as const;
const failed = report({
  outcome: "failed",
  finished: "2026-11-08T05:32:00.000Z",
  checks: [{ check: "fsck", on: "ext4", outcome: "failed", ms: 1 }],
  problems: [error("refused")],
});

describe("what is drilled", () => {
  test("is the newest complete point of each job, and a job without one is told", () => {
    const old = point({ id: "p0", captured: new Date("2026-11-07T02:00:00Z") });
    const pending = point({ id: "p2", state: "pending", captured: new Date("2026-11-08T05:00:00Z") });
    const logs = point({ id: "p3", job: "logs", state: "partial" });
    const found = subjectsOf([old, pending, point(), logs], [], "web");
    expect(found.map(({ of, job, point: one }) => [of, job, one?.id])).toEqual([
      ["web", "default", "p1"],
      ["web", "logs", undefined],
    ]);
    expect(subjectsOf([old], ["other"], undefined)).toEqual([{ job: "other" }]);
  });

  test("never is the root of this very instance, by the recipe or by what is attached now", () => {
    const snapshot = (volumeId: string) => ({ volumeId }) as RecoveryPoint["snapshots"][number];
    const whole = point({
      snapshots: [snapshot("vol-root"), snapshot("vol-data")],
      recipe: [{ volumeId: "vol-root", root: true }, { volumeId: "vol-data" }],
    });
    expect(drillable(whole, { arn }).volumes).toEqual(["vol-data"]);
    expect(drillable(whole, { arn: `${arn}9` }).volumes).toEqual(["vol-root", "vol-data"]);
    const moved = drillable(whole, { arn: `${arn}9`, rootVolume: "vol-root" });
    expect([moved.volumes, moved.left.map(({ volume }) => volume)]).toEqual([["vol-data"], ["vol-root"]]);
  });

  test("leaves volumes unread that are named by their id, their snapshot or the device that they had", () => {
    const member = (id: string, volumeId: string) => ({ id, volumeId }) as RecoveryPoint["snapshots"][number];
    const whole = point({
      snapshots: [member("snap-1", "vol-1"), member("snap-2", "vol-2"), member("snap-3", "vol-3")],
      recipe: [{ volumeId: "vol-1", device: "/dev/sdf" }, { volumeId: "vol-2" }],
    });
    expect(rawVolumes(whole, ["/dev/xvdf", "snap-3", "vol-9"]), "a name of Xen is the same place").toEqual([
      "vol-1",
      "vol-3",
    ]);
    expect([rawVolumes(whole, []), rawVolumes(undefined, ["vol-1"])]).toEqual([[], []]);
    expect(rawVolumes(whole, ["vol-2"])).toEqual(["vol-2"]);
  });

  test("lacks what an incomplete point has no snapshot of", () => {
    const snapshots = [{ id: "snap-1", volumeId: "vol-1" }] as unknown as RecoveryPoint["snapshots"];
    const recipe = [{ volumeId: "vol-1" }, { volumeId: "vol-2" }];
    expect(missingVolumes(point({ snapshots, recipe, state: "partial" }))).toEqual(["vol-2"]);
    expect([missingVolumes(point({ snapshots, recipe })), missingVolumes(undefined)]).toEqual([[], []]);
  });

  test("a path is looked for as a whole before a part of it", () => {
    expect(pathsWithin("/srv//data/x")).toEqual(["/srv/data/x", "/data/x", "/x"]);
  });

  test("a list of checksums is read as sha256sum writes it, and nothing in it is passed over", () => {
    const sum = "AB".repeat(32);
    const text = `${sum}  a b\n${sum} *bin\r\n\\${sum}  odd\\\\name\\nend\nSHA256 (tagged) = ${sum}\n\nnonsense\n`;
    const { checksums, unreadable } = checksumsIn(text);
    expect(checksums.map(({ path }) => path)).toEqual(["a b", "bin", "odd\\name\nend", "tagged"]);
    expect(new Set(checksums.map((one) => one.sum))).toEqual(new Set([sum.toLowerCase()]));
    expect(unreadable).toEqual([6]);
  });

  test("the daemon calls drills by their name, and runs as before", () => {
    const due = { slot: now, at: now, trigger: "catch-up" } as const;
    const when = ["--trigger", "catch-up", "--slot", now.toISOString()];
    expect(runWords({ ...due, job: "drill/weekly" }, 3, 2)).toEqual(["drill", "weekly", ...when]);
    expect(runWords({ ...due, job: "logs" }, 3, 0)).toEqual(["run", "logs", ...when, "--missed", "3"]);
  });
});

describe("what a drill tells", () => {
  test("are metrics in the table's units, and none of what was kept out or told to stop", () => {
    expect(metricsOfDrill(report())).toEqual([
      { name: "RestoreVerified", unit: metricTable.RestoreVerified.unit, value: 1 },
      { name: "RestoreSeconds", unit: metricTable.RestoreSeconds.unit, value: 42 },
    ]);
    expect(metricsOfDrill(failed).map(({ value }) => value)).toEqual([0, 42]);
    const notDone = report({ outcome: "not-done", problems: [error("refused")] });
    expect(metricsOfDrill(notDone).map(({ name, value }) => [name, value])).toEqual([["RestoreVerified", 0]]);
    for (const kind of ["locked", "interrupted"] as const)
      expect(metricsOfDrill(report({ outcome: "not-done", problems: [error(kind)] }))).toEqual([]);
    expect(metricsOfDrill(report({ planned: true }))).toEqual([]);
  });

  test("is verified only if all that was to be looked at was looked at", () => {
    const one = (outcome: DrillReport["checks"][number]["outcome"]) =>
      ({ check: "fsck", on: "ext4", outcome, detail: outcome, ms: 1 }) as const;
    expect(outcomeOf([one("passed"), one("skipped")], true)).toBe("verified");
    expect(outcomeOf([one("passed"), one("not-done")], true)).toBe("not-done");
    expect(outcomeOf([one("passed")], false)).toBe("not-done");
    expect(outcomeOf([one("not-done"), one("failed")], false)).toBe("failed");
    const all = problemsOf([one("passed"), one("skipped"), one("not-done"), one("failed")], "p1");
    expect(all.map(({ severity, found }) => [severity, found])).toEqual([
      ["notice", "skipped"],
      ["error", "not-done"],
      ["error", "failed"],
    ]);
    const volumes = [
      { of: "vol-1", snapshot: "snap-1", sizeGiB: 1, looked: true },
      { of: "vol-2", snapshot: "snap-2", sizeGiB: 1, looked: false },
    ];
    expect(taggedSnapshots(report({ volumes }))).toEqual(["snap-1"]);
    expect(taggedSnapshots(report({ volumes, outcome: "failed" }))).toEqual(["snap-1", "snap-2"]);
    expect(taggedSnapshots(report({ volumes, outcome: "not-done" }))).toEqual([]);
  });

  test("is an exit code as the table has it", () => {
    const cause = (kind: Parameters<typeof error>[0]) =>
      report({ outcome: "not-done", problems: [error(kind)] });
    expect(exitCodeOfDrills([report()])).toBe(0);
    expect(exitCodeOfDrills([report(), failed])).toBe(1);
    expect(exitCodeOfDrills([report({ problems: [error("refused")] })]), "not cleaned up").toBe(1);
    expect(exitCodeOfDrills([cause("denied"), cause("denied")])).toBe(77);
    expect(exitCodeOfDrills([cause("denied"), cause("unreachable")])).toBe(2);
    expect(exitCodeOfDrills([cause("denied"), report()])).toBe(1);
  });

  test("stands on the snapshots and in a notice", () => {
    expect(verifiedTag(report())).toBe("2026-11-08T05:31:00.000Z ok");
    expect(verifiedTag(failed)).toBe("2026-11-08T05:32:00.000Z failed fsck");
    const { subject, text } = noticeOfDrill(failed, undefined, "1.0");
    expect(subject).toBe("Restore drill FAILED: web (i-0aaaaaaaaaaaaaaa1), job default");
    expect(text).toContain("Last good: NONE");
    expect(text).toContain("cannot drill: found");
  });
});

describe("how long ago it was verified", () => {
  const one = { key: "/default", subject: { job: "default" } };
  const two = { key: "/logs", subject: { job: "logs" } };
  const whole = { whole: true };

  test("is the age of the oldest of what a drill covers, and unknown where anything never was", () => {
    const first = withReports(undefined, "weekly", [{ ...one, report: report() }], whole);
    expect(ageOfDrill(first, now)).toBe(29 * 60);
    const older = report({ finished: "2026-11-08T05:00:00.000Z" });
    const both = [
      { ...one, report: report() },
      { ...two, report: older },
    ];
    expect(ageOfDrill(withReports(first, "weekly", both, whole), now)).toBe(3_600);
    const never = withReports(
      first,
      "weekly",
      [
        { ...one, report: report() },
        { ...two, report: failed },
      ],
      whole,
    );
    expect(ageOfDrill(never, now)).toBeUndefined();
    expect(ageOfDrill({ subjects: {} }, now)).toBeUndefined();
    expect(ageOfDrill(first, new Date(0)), "a clock that is behind").toBe(0);
  });

  test("outlives a drill that fails; what a whole drill does not meet any more is forgotten", () => {
    const good = withReports(undefined, "weekly", [{ ...one, report: report() }], {
      whole: true,
      slot: "s1",
    });
    const then = withReports(good, "weekly", [{ ...one, report: failed }], whole);
    expect([then.subjects["/default"]?.lastGood?.point, then.lastSlot]).toEqual(["p1", "s1"]);
    expect(ageOfDrill(then, now)).toBe(29 * 60);
    const other = [{ ...two, report: report() }];
    expect(Object.keys(withReports(then, "weekly", other, whole).subjects)).toEqual(["/logs"]);
    expect(Object.keys(withReports(then, "weekly", other, { whole: false }).subjects)).toHaveLength(2);
  });

  test("is judged by the schedule and two hours", () => {
    const drill = { name: "weekly", schedule: "30 5 * * *", timezone: "UTC", splay: 0 } as Drill;
    const state = withReports(undefined, "weekly", [{ ...one, report: report() }], whole);
    const at = (hours: number) => judgeDrill(drill, state, new Date(now.getTime() + hours * 3_600_000));
    expect([at(0).promised, at(25).overdue, at(26).overdue]).toEqual([26 * 3_600, false, true]);
    expect(isTroubled(at(0))).toBe(false);
    expect(isTroubled(judgeDrill(drill, undefined, now)), "never was").toBe(true);
    const bad = withReports(state, "weekly", [{ ...one, report: failed }], whole);
    expect(judgeDrill(drill, bad, now).subjects[0]?.failing).toEqual(["cannot drill: found"]);
    expect(isTroubled(judgeDrill(drill, bad, now))).toBe(true);
  });

  test("is in Prometheus' file beside what runs say, once for each drill", () => {
    const state = withReports(undefined, "weekly", [{ ...one, report: report() }], whole);
    const fresh = samplesOfDrill(state, "i-0host", undefined);
    const others = textOf([
      { name: "ec2_backup_errors", labels: { server: "i-0host", backup_job: "default" }, value: 0 },
      ...fresh.map((sample) => ({ ...sample, value: 7 })),
    ]);
    const merged = withDrillSamples(samplesIn(others), "weekly", fresh, "i-0host");
    expect(merged.map(({ name, value }) => [name.replace("ec2_backup_", ""), value])).toEqual([
      ["errors", 0],
      ["restore_verified", 1],
      ["restore_seconds", 42],
      ["last_good_drill_timestamp_seconds", Date.parse(report().finished) / 1000],
    ]);
    expect(samplesOfDrill(state, "i-0host", ["RestoreVerified"])).toHaveLength(1);
  });
});
