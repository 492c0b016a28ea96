import { expect, test } from "vitest";
import { runWords } from "../../src/agent/daemon.ts";
import { jobName } from "../../src/config/limits.ts";
import { afterPart, nextPart } from "../../src/core/check-parts.ts";
import { isLocal, missingRemedy } from "../../src/core/missing-repository.ts";
import {
  exitCodeOfUpkeep,
  metricsOfUpkeep,
  type UpkeepReport,
  wasStopped,
  withSchedules,
  withUpkeep,
} from "../../src/core/upkeep.ts";
import { namedUpkeep, timetableName, upkeepLock } from "../../src/core/upkeep-names.ts";
import { noticeOfUpkeep } from "../../src/core/upkeep-notice.ts";
import { errorsBeside, judgeUpkeep, needsCare, overdueProblem } from "../../src/core/upkeep-status.ts";
import { at, day, later } from "./points.ts";

const now = at("2027-06-15T12:00");

const report = (wish: Partial<UpkeepReport> = {}): UpkeepReport => ({
  version: 1,
  run: "r",
  action: "check",
  repository: "central",
  trigger: "schedule",
  slot: "2027-06-15T12:00:00.000Z",
  host: "host",
  started: now.toISOString(),
  finished: later(now, 60_000).toISOString(),
  elapsedMs: 60_000,
  planned: false,
  outcome: "done",
  problems: [],
  ...wish,
});

const error = { severity: "error", kind: "locked", doing: "check", found: "x" } as const;

test("so many checks read all parts once, whatever was remembered before", () => {
  let state = {};
  const read = Array.from({ length: 12 }, (_, index) => {
    const part = nextPart(state, 12, later(now, index * day), 7 * day);
    state = { parts: afterPart(part) };
    return part.part;
  });
  expect(read.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test("a host that remembers nothing reads one part after the other by the time alone", () => {
  const parts = [0, 1, 2, 3, 4].map((week) => nextPart(undefined, 5, later(now, week * 7 * day), 7 * day));
  expect(new Set(parts.map(({ part }) => part)).size).toBe(5);
  for (const wrong of [0, 6, 1.5, Number.NaN])
    expect(nextPart({ parts: { of: 5, next: wrong } }, 5, now, day).part).toBeLessThanOrEqual(5);
  expect(nextPart({ parts: { of: 4, next: 3 } }, 5, now, day)).toEqual(nextPart(undefined, 5, now, day));
});

test("upkeep has names in the timetable that no job has", () => {
  expect(namedUpkeep(timetableName("central", "mirror"))).toEqual({ repository: "central", kind: "mirror" });
  for (const other of ["central", "drill/central", "repository/central", "repository/central/other"])
    expect(namedUpkeep(other)).toBeUndefined();
});

test("upkeep has locks that no job has", () => {
  const lock = upkeepLock.of("central");
  expect([upkeepLock.isOne(lock), upkeepLock.isOne("repository-central")]).toEqual([true, false]);
  expect(lock).not.toMatch(jobName);
});

test("the daemon starts upkeep as a command of its own", () => {
  const due = { job: "repository/central/check", slot: now, at: now, trigger: "schedule" as const };
  expect(runWords(due, 3, 2)).toEqual([
    ...["repository", "check", "central"],
    ...["--trigger", "schedule", "--slot", "2027-06-15T12:00:00.000Z"],
  ]);
});

test("what went wrong serves its slot and leaves the last good one as it was", () => {
  const good = withUpkeep(undefined, report());
  expect(good.check).toMatchObject({ lastSlot: report().slot, lastGood: report().finished });
  const bad = withUpkeep(good, report({ slot: "2027-06-22T12:00:00.000Z", outcome: "unsound" }));
  expect(bad.check).toMatchObject({ lastSlot: "2027-06-22T12:00:00.000Z", lastGood: report().finished });
  expect(withUpkeep(bad, report({ planned: true }))).toBe(bad);
  const facts = { repositoryId: "ab", formatVersion: 2, program: "0.14.0" };
  expect(withUpkeep(bad, report({ action: "init", facts }))).toMatchObject({
    known: { id: "ab", at: report().finished },
    check: bad.check,
  });
});

test("what is told to stop serves no slot", () => {
  const good = withUpkeep(undefined, report());
  const slot = "2027-06-22T12:00:00.000Z";
  const problems = [error, { ...error, kind: "interrupted" as const }];
  for (const outcome of ["not-done", "degraded"] as const) {
    const cut = report({ slot, outcome, problems });
    expect(withUpkeep(good, cut).check).toMatchObject({ lastSlot: report().slot, report: { outcome } });
    expect(withUpkeep(undefined, cut).check).not.toHaveProperty("lastSlot");
  }
});

test("who stops what he has asked for by hand leaves what was known, and what is stopped on a schedule counts", () => {
  const interrupted = { ...error, kind: "interrupted" as const };
  const stopped = { outcome: "not-done" as const, problems: [interrupted] };
  const byHand = report({ ...stopped, trigger: "manual" });
  for (const before of [undefined, withUpkeep(undefined, report({ outcome: "unsound", problems: [error] }))])
    expect(withUpkeep(before, byHand).check).toEqual(before?.check);
  expect([wasStopped(byHand), metricsOfUpkeep(byHand, 3)]).toEqual([true, []]);
  for (const counts of [
    report(stopped),
    report({ ...stopped, trigger: "catch-up" }),
    report({ ...stopped, trigger: "manual", problems: [interrupted, error] }),
    report({ trigger: "manual" }),
  ]) {
    expect(wasStopped(counts)).toBe(false);
    expect(withUpkeep(undefined, counts).check?.report).toBe(counts);
    expect(metricsOfUpkeep(counts)).not.toEqual([]);
  }
});

test("exit codes and metrics tell what came of it", () => {
  expect(exitCodeOfUpkeep([report()])).toBe(0);
  expect(exitCodeOfUpkeep([report({ outcome: "unsound", problems: [error] })])).toBe(1);
  expect(exitCodeOfUpkeep([report({ outcome: "skipped", problems: [error] })])).toBe(75);
  expect(exitCodeOfUpkeep([report(), report({ outcome: "not-done", problems: [error] })])).toBe(1);
  expect(metricsOfUpkeep(report({ outcome: "unsound", problems: [error] }))).toEqual([
    { name: "Errors", unit: "Count", value: 1 },
    { name: "ElapsedTime", unit: "Seconds", value: 60 },
  ]);
  expect(metricsOfUpkeep(report({ outcome: "skipped" }))).toEqual([]);
});

test("where a repository was before, nobody is told to make one", () => {
  const seen = missingRemedy({ name: "central", url: "/srv/backup", seen: now.toISOString() });
  expect(seen).toMatch(
    /^it was there on 2027-06-15 12:00 UTC: see whether what .srv.backup lies on is mounted/,
  );
  expect(seen).not.toContain("init");
  const never = missingRemedy({ name: "central", url: "rest:https://example.com/x" });
  expect(never).toMatch(/address.*only if there never was one.*init central/);
  expect([isLocal("/a"), isLocal("C:\\a"), isLocal("sftp:a:/b"), isLocal("s3:https://x/y")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

const central = { name: "central", check: { schedule: "0 6 * * 6", parts: 0 } };

test("a schedule counts from when it was first seen: calm at first, overdue a gap and two hours later", () => {
  const state = withSchedules(undefined, central, now);
  expect(state).toEqual({ version: 1, repository: "central", check: { since: now.toISOString() } });
  expect(withSchedules(state, central, later(now, day))).toBeUndefined();
  const judged = (days: number) => judgeUpkeep(central, state, later(now, days * day));
  expect(judged(7).some(needsCare)).toBe(false);
  const [late, ...others] = judged(7.1);
  if (late === undefined || others.length > 0) expect.fail("there is one kind of upkeep");
  expect([late.overdue, needsCare(late), late.ageSeconds]).toEqual([true, true, undefined]);
  expect(overdueProblem(late)).toMatchObject({ severity: "error", code: "UpkeepOverdue" });
  expect(judgeUpkeep(central, undefined, now).some(needsCare)).toBe(false);
  // What went well since is what counts, and a failed one keeps the instant.
  const good = withUpkeep(state, report({ finished: later(now, 7 * day).toISOString() }));
  expect(judgeUpkeep(central, good, later(now, 14 * day)).some(needsCare)).toBe(false);
  const bad = withUpkeep(state, report({ outcome: "not-done" }));
  expect(bad.check?.since).toBe(now.toISOString());
  expect(judgeUpkeep(central, bad, later(now, 8 * day))[0]?.overdue).toBe(true);
});

test("what is wrong with other upkeep counts beside what was done, and by hand alone it does not", () => {
  const config = { ...central, prune: { schedule: "0 5 * * 0" } };
  const failed = withUpkeep(undefined, report({ outcome: "not-done", problems: [error, error] }));
  expect(errorsBeside(judgeUpkeep(config, failed, now), "prune")).toBe(2);
  expect(errorsBeside(judgeUpkeep(config, failed, now), "check")).toBe(0);
  expect(errorsBeside(judgeUpkeep({ name: "central" }, failed, now), "prune")).toBe(0);
  expect(metricsOfUpkeep(report({ action: "prune" }), 2)[0]?.value).toBe(2);
});

test("what nobody promises and was never done is not held against a host for ever", () => {
  const tried = withUpkeep(undefined, report({ outcome: "not-done", problems: [error] }));
  expect(judgeUpkeep({ name: "central" }, tried, now)).toEqual([]);
  // That it is damaged is found by hand as well, and so is that it was well before.
  const damaged = withUpkeep(undefined, report({ outcome: "unsound", problems: [error] }));
  expect(judgeUpkeep({ name: "central" }, damaged, now).some(needsCare)).toBe(true);
  const before = withUpkeep(withUpkeep(undefined, report()), report({ outcome: "not-done" }));
  expect(judgeUpkeep({ name: "central" }, before, now)).toMatchObject([{ kind: "check", ageSeconds: 0 }]);
  expect(judgeUpkeep(central, tried, now).some(needsCare)).toBe(true);
});

test("a notice says what of which repository, why, since when and what to do, in what SNS takes", () => {
  const found = { ...report({ outcome: "unsound", problems: [error] }), action: "check" as const };
  const { subject, text } = noticeOfUpkeep({ ...found, repository: "c".repeat(63) }, undefined, "1.2.3");
  expect(subject.length).toBeLessThan(100);
  expect(subject).toMatch(/^Repository check found DAMAGE: c+/);
  expect(text).toMatch(/Last good: NONE/);
  expect(text).toContain(`1. cannot check: x`);
  expect(text).toMatch(/ec2-backup repository check c+ {4}tries again now/);
});
