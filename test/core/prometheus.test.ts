import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergedSamples, type Sample, samplesIn, samplesOf, textOf } from "../../src/core/prometheus.ts";
import type { RunReport } from "../../src/core/report.ts";
import { captured, problem, report } from "./reports.ts";

const all = { perVolume: false } as const;
const newestComplete = { captured: "2027-03-27T01:00:00.500Z", bytes: 5_000, ageSeconds: 86_400 };

const full = report({
  job: "a",
  points: [captured],
  settleMs: 90_000,
  stillness: { demanded: "application", achieved: "filesystem", hooks: [], frozenMs: 87 },
  series: {
    complete: 7,
    newestComplete,
    volumes: [
      { volume: "v", device: "/dev/xvda", newest: "2027-03-26T01:00:00.000Z", bytes: 1_000 },
      { volume: "w", device: "/dev/sdf" },
    ],
  },
});

const values = (samples: readonly Sample[], job = "a") =>
  Object.fromEntries(
    samples
      .filter(({ labels }) => labels["backup_job"] === job)
      .map(({ name, labels, value }) => [
        `${name.replace("ec2_backup_", "")}${labels["drive"] ? `@${labels["drive"]}` : ""}`,
        value,
      ]),
  );

/** The file after one more run. */
function written(
  text: string,
  run: RunReport,
  jobs?: readonly string[],
  wish: { perVolume: boolean } = all,
): string {
  const fresh = samplesOf(run, "i-1", wish);
  return textOf(mergedSamples(samplesIn(text), run, fresh, { server: "i-1", ...(jobs && { jobs }) }));
}

describe("what a run says to Prometheus", () => {
  test("is in base units, and instants instead of ages", () => {
    expect(values(samplesOf(full, "i-1", all))).toEqual({
      last_run_timestamp_seconds: 1_806_195_602.5,
      errors: 0,
      elapsed_seconds: 2.5,
      settle_seconds: 90,
      degraded: 1,
      frozen_seconds: 0.087,
      recovery_points: 7,
      size_bytes: 5_000,
      newest_complete_timestamp_seconds: 1_806_109_200.5,
    });
  });

  test("is of each volume by names of their own, so that nobody adds both", () => {
    const samples = values(samplesOf(full, "i-1", { perVolume: true }));
    expect(samples).toMatchObject({
      size_bytes: 5_000,
      "volume_size_bytes@/dev/xvda": 1_000,
      "volume_newest_complete_timestamp_seconds@/dev/xvda": 1_806_022_800,
    });
    expect(Object.keys(samples).filter((name) => name.includes("sdf"))).toEqual([]);
  });

  test("is what was chosen, and always when it last ran", () => {
    expect(Object.keys(values(samplesOf(full, "i-1", { ...all, only: ["Errors"] })))).toEqual([
      "errors",
      "last_run_timestamp_seconds",
    ]);
  });
});

describe("the file", () => {
  test("has each family once with its help and type, and ends with a line feed", () => {
    const text = written(written("", full, undefined, { perVolume: true }), { ...full, job: "b" });
    const families = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map((match) => match[1]);
    expect(new Set(families).size).toBe(families.length);
    expect([...text.matchAll(/^# HELP (\S+) \S/gm)].map((match) => match[1])).toEqual(families);
    expect(text).toContain('ec2_backup_errors{server="i-1",backup_job="a"} 0\n');
    expect(text.endsWith("\n")).toBe(true);
    expect(text).not.toMatch(/\n\n/);
  });

  test("keeps the other jobs' values, until a job is configured no more or the instance is another", () => {
    const both = written(written("", full), { ...full, job: "b" }, ["a", "b"]);
    expect(values(samplesIn(both), "a")).toEqual(values(samplesIn(written("", full)), "a"));
    expect(values(samplesIn(both), "b")).toMatchObject({ recovery_points: 7 });
    expect(values(samplesIn(written(both, { ...full, job: "b" }, ["b"])), "a")).toEqual({});
    expect(values(samplesIn(written(both, { ...full, job: "b" })), "a")).not.toEqual({});
    const cloned = both.replaceAll('server="i-1"', 'server="i-0"');
    expect(values(samplesIn(written(cloned, { ...full, job: "b" })), "a")).toEqual({});
  });

  test("keeps of a job what a run that could not list knows nothing about, and nothing else of it", () => {
    const blind = report({
      job: "a",
      outcome: "failed",
      finished: "2027-03-29T01:00:00.000Z",
      problems: [problem("unreachable")],
    });
    expect(values(samplesIn(written(written("", full), blind)))).toEqual({
      last_run_timestamp_seconds: 1_806_282_000,
      errors: 1,
      elapsed_seconds: 2.5,
      recovery_points: 7,
      size_bytes: 5_000,
      newest_complete_timestamp_seconds: 1_806_109_200.5,
    });
  });

  test("says that nothing is complete any more, where EC2 says so", () => {
    const none = report({ job: "a", series: { complete: 0 } });
    const then = values(samplesIn(written(written("", full, undefined, { perVolume: true }), none)));
    expect(then).toMatchObject({ recovery_points: 0 });
    expect(Object.keys(then).filter((name) => /newest|size/.test(name))).toEqual([]);
  });

  test("has of a run that was kept out its errors, and of the time before all the rest", () => {
    const skipped = report({ job: "a", outcome: "skipped", problems: [problem("locked")] });
    const before = values(samplesIn(written("", full)));
    expect(values(samplesIn(written(written("", full), skipped)))).toEqual({ ...before, errors: 1 });
  });

  test("gives back any labels as they were", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("a\\", 'b"', "c\nd", "\r\u2028", '\\n"},'));
    fc.assert(
      fc.property(text, text, fc.double({ noNaN: true, noDefaultInfinity: true }), (server, job, value) => {
        const labels = { server, backup_job: job, drive: "/dev/sdf" };
        const sample = { name: "ec2_backup_volume_size_bytes", labels, value: value + 0 };
        expect(samplesIn(textOf([sample]))).toEqual([sample]);
      }),
    );
  });

  test("that is damaged or of somebody else gives what can be read of ours", () => {
    const text = textOf([{ name: "ec2_backup_errors", labels: { server: "i", backup_job: "a" }, value: 1 }]);
    const foreign = 'node_load1 0.5\nec2_backup_errors{server="i"} 1\nec2_backup_errors{server="i\n';
    const named = 'ec2_backup_other{server="i",backup_job="a"} 1\nconstructor{server="i",backup_job="a"} 1\n';
    const broken = 'ec2_backup_errors{server="i",backup_job="a"} many\n\0\0';
    expect(samplesIn(foreign + named + broken + text)).toEqual(samplesIn(text));
    fc.assert(fc.property(fc.string(), (any) => void samplesIn(any)));
  });
});
