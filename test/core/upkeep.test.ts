import { expect, test } from "vitest";
import { runWords } from "../../src/agent/daemon.ts";
import { afterPart, nextPart } from "../../src/core/check-parts.ts";
import { isLocal, missingRemedy } from "../../src/core/missing-repository.ts";
import { exitCodeOfUpkeep, metricsOfUpkeep, type UpkeepReport, withUpkeep } from "../../src/core/upkeep.ts";
import { namedUpkeep, timetableName } from "../../src/core/upkeep-names.ts";
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
