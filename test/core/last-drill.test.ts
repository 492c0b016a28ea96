import { expect, test } from "vitest";
import { markdown } from "../../src/cli/report-markdown.ts";
import { composePage } from "../../src/core/compose-page.ts";
import { lastDrill } from "../../src/core/last-drill.ts";
import { facts, healthy, pointAged } from "./page-facts.ts";
import { day, hour } from "./points.ts";

/** A point whose snapshots have these marks. */
function marked(age: number, ...marks: readonly string[]) {
  const made = pointAged(age);
  const snapshots = made.snapshots.map((one, index) => {
    const mark = marks[index];
    return mark === undefined ? one : { ...one, tags: { ...one.tags, "ec2-backup:verified": mark } };
  });
  return { ...made, snapshots };
}

test("the newest mark counts, wherever it is, and of one drill a failure", () => {
  const [older, newer] = [
    marked(2 * day, "2027-03-19T04:00:00.000Z ok"),
    marked(day, "2027-03-18T04:00:00.000Z ok"),
  ];
  expect(lastDrill([newer, older])).toMatchObject({
    at: "2027-03-19T04:00:00.000Z",
    point: older.id,
    outcome: "ok",
  });
  const at = "2027-03-20T04:00:00.000Z";
  expect(lastDrill([newer, marked(hour, `${at} ok`, `${at} failed fsck`)])).toMatchObject({
    at,
    outcome: "failed",
  });
});

test("marks that nobody can read are none", () => {
  for (const mark of [
    "",
    "ok",
    "yesterday ok",
    "2027-13-45T99:00:00Z ok",
    "2027-03-19T04:00:00.000Z okay",
    "x".repeat(256),
  ])
    expect(lastDrill([marked(day, mark)]), mark).toBeUndefined();
});

test("the report says what drills found, and a failed one is an error", () => {
  const page = (...marks: readonly string[]) =>
    composePage(facts([healthy({ points: [marked(6 * hour, ...marks)] })]));
  expect(markdown(page())).toContain("No drill has restored any of these points.");
  expect(markdown(page("2027-03-20T04:00:00.000Z ok"))).toContain("on 2027-03-20 04:00: it is good.");
  const failed = page("2027-03-20T04:00:00.000Z failed files");
  expect(markdown(failed)).toContain("its checks FAILED.");
  expect(failed.findings[0]).toMatchObject({
    severity: "error",
    says: expect.stringContaining("the last drill"),
  });
  expect(failed.verdict).toBe("failing");
});
