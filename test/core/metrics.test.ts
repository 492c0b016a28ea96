import { describe, expect, test } from "vitest";
import { metricsOf, metricTable, ofDrills } from "../../src/core/metrics.ts";
import type { CopyReport, RunReport } from "../../src/core/report.ts";
import { captured, problem, report } from "./reports.ts";

const values = (one: RunReport) => Object.fromEntries(metricsOf(one).map(({ name, value }) => [name, value]));
const newestComplete = { captured: "2027-03-28T01:00:00.000Z", bytes: 5_000, ageSeconds: 86_400 };

const copiesIn = (region: string, lagSeconds?: number): CopyReport => ({
  ...{ region, begun: [], running: 0, complete: 1, waiting: [], failed: [], left: [], cleared: [] },
  ...(lagSeconds !== undefined && { lagSeconds }),
});

describe("the metrics of a run", () => {
  test("tell for each Region how far its copies are behind, and nothing of one that could not be asked", () => {
    const copies = [copiesIn("eu-west-1", 0), copiesIn("us-east-1", 7), copiesIn("ap-south-1")];
    const lags = metricsOf(report({ copies })).filter(({ name }) => name === "CopyLag");
    expect(lags).toEqual([
      { name: "CopyLag", unit: "Seconds", value: 0, dimensions: { Region: "eu-west-1" } },
      { name: "CopyLag", unit: "Seconds", value: 7, dimensions: { Region: "us-east-1" } },
    ]);
  });

  test("are all of the table where it captured, waited and listed, in the table's units", () => {
    const full = report({
      points: [captured],
      settleMs: 90_000,
      series: { complete: 7, newestComplete },
      copies: [copiesIn("eu-west-1", 90_000)],
      stillness: { demanded: "application", achieved: "filesystem", hooks: [], frozenMs: 87 },
      problems: [
        problem("refused"),
        problem("denied"),
        problem("refused", "warning"),
        problem("refused", "notice"),
      ],
    });
    expect(values(full)).toEqual({
      ElapsedTime: 2.5,
      SettleSeconds: 90,
      Size: 5_000,
      Errors: 2,
      Degraded: 1,
      FrozenTime: 87,
      RecoveryPoints: 7,
      SecondsSinceLastBackup: 86_400,
      CopyLag: 90_000,
    });
    for (const { name, unit } of metricsOf(full)) {
      expect(unit).toBe(metricTable[name as keyof typeof metricTable].unit);
    }
    expect(
      metricsOf(full)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(
      Object.keys(metricTable)
        .filter((name) => !ofDrills.some((one) => one === name))
        .sort(),
    );
  });

  test("tell no size where nobody knows it, rather than one of 0", () => {
    const unknown = report({ series: { complete: 7, newestComplete: { ...newestComplete, bytes: 0 } } });
    expect(values(unknown)).not.toHaveProperty("Size");
    expect(values(unknown)).toMatchObject({ RecoveryPoints: 7, SecondsSinceLastBackup: 86_400 });
  });

  test("say that a point is as consistent as is demanded, and nothing of it where nobody asked", () => {
    const stillness = { demanded: "filesystem", achieved: "application", hooks: [] } as const;
    expect(values(report({ points: [captured], stillness }))).toMatchObject({ Degraded: 0 });
    expect(values(report({ points: [captured] }))).not.toHaveProperty("Degraded");
  });

  test("say that there were no errors, where there were none", () => {
    expect(values(report())).toEqual({ Errors: 0, ElapsedTime: 2.5 });
  });

  test("are its errors alone where another run held the lock, whatever else the report holds", () => {
    const skipped = report({
      outcome: "skipped",
      problems: [problem("locked")],
      series: { complete: 7, newestComplete },
      settleMs: 1,
    });
    expect(metricsOf(skipped)).toEqual([{ name: "Errors", unit: "Count", value: 1 }]);
  });

  test("tell no age, no size and no count of a series that could not be listed", () => {
    const blind = report({ outcome: "degraded", points: [captured], problems: [problem("unreachable")] });
    expect(values(blind)).toEqual({ Errors: 1, ElapsedTime: 2.5 });
  });

  test("tell no age where no point is complete yet, but that there are none", () => {
    expect(values(report({ series: { complete: 0 } }))).toEqual({
      Errors: 0,
      ElapsedTime: 2.5,
      RecoveryPoints: 0,
    });
  });

  test("tell the age as EC2 lists it also where the run failed, so that the alarm sees it grow", () => {
    const failed = report({
      outcome: "failed",
      problems: [problem("throttled")],
      series: { complete: 3, newestComplete: { ...newestComplete, ageSeconds: 200_000 } },
    });
    expect(values(failed)).toMatchObject({ Errors: 1, SecondsSinceLastBackup: 200_000 });
  });
});
