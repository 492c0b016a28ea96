import { expect, test } from "vitest";
import { checkWatching } from "../../src/agent/check-watching.ts";
import { resolve } from "../../src/config/resolve.ts";
import { missedLimit } from "../../src/core/missed-limit.ts";
import { fileOf } from "../config/file-of.ts";

const now = new Date("2027-03-01T12:00:00Z");
const alarms = { createTopic: "backup-alarms" };

function checked(more: object): string[] {
  const file = fileOf(`${JSON.stringify({ version: 1, jobs: { q: {} }, ...more })}\n`);
  return checkWatching(resolve({ file, tags: {} }), { ok: true, file, text: "" }, now);
}

/** A job `q` that runs every six hours. */
const often = (missedAfter?: string) => ({
  jobs: { q: { schedule: "every 6h", ...(missedAfter && { missedAfter }) } },
});

test("an age that the schedule's gaps exceed is told with its place and the least that will do", () => {
  const [warning = "", ...others] = checked(often("5h"));
  expect(others).toEqual([]);
  expect(warning).toMatch(
    /^jobs\.q\.missedAfter: there is no alarm for missed backups: missedAfter 5h is too short: .*set jobs\.q\.missedAfter to at least 7h/,
  );
  const least = /at least (\w+)/.exec(warning)?.[1];
  expect(checked(often(least))).toEqual([]);
  expect(checked(often())).toEqual([]);
  // A job that nothing runs by schedule may promise what it likes.
  expect(checked({ jobs: { q: { missedAfter: "1h" } } })).toEqual([]);
  const [job] = resolve({
    file: fileOf(`${JSON.stringify({ version: 1, ...often("5h") })}\n`),
    tags: {},
  }).jobs;
  expect(job && missedLimit(job, now).kind).toBe("none");
});

test.each<[string, object, RegExp | undefined]>([
  ["goes to CloudWatch", {}, undefined],
  ["is switched off", { enabled: false }, /^metrics\.enabled: /],
  ["goes to Prometheus alone", { output: "prometheus" }, /^metrics\.output: .*add cloudwatch or emf$/],
  ["goes to Prometheus as well", { output: ["prometheus", "emf"] }, undefined],
  [
    "leaves out what alarms watch",
    { only: ["Size", "Errors"] },
    /^metrics\.only: .* leaves out SecondsSinceLastBackup, ElapsedTime, which/,
  ],
  ["has all that alarms watch", { only: ["ElapsedTime", "Errors", "SecondsSinceLastBackup"] }, undefined],
])("what alarms hear of metrics where %s", (_, metrics, warning) => {
  const told = checked({ alarms, metrics });
  expect(told).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
  // Who wants no alarms is not asked for their metrics.
  expect(checked({ metrics })).toEqual([]);
});
