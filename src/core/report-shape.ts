import type { RunReport } from "./report.ts";

const outcomes = ["done", "degraded", "failed", "skipped"];

/** Whether what is kept of a run can be what a run wrote, as far as anybody reads it. */
export function isReport(value: unknown): value is RunReport {
  const { outcome, started, finished, problems, points } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    outcomes.some((one) => one === outcome) &&
    isInstant(started) &&
    isInstant(finished) &&
    areWhole(problems, "severity", "kind", "doing", "found") &&
    areWhole(points, "id", "state", "captured")
  );
}

function areWhole(list: unknown, ...texts: readonly string[]): boolean {
  const isWhole = (one: Readonly<Record<string, unknown>> | null) =>
    texts.every((key) => typeof one?.[key] === "string");
  return Array.isArray(list) && list.every(isWhole);
}

/** Whether it is a date as JSON has it. */
export function isInstant(text: unknown): text is string {
  return typeof text === "string" && !Number.isNaN(Date.parse(text));
}
