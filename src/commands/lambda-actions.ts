import { type SweepOptions, sweep } from "../agent/sweep.ts";
import { instantIn, openSweep } from "../agent/sweep-session.ts";
import type { LambdaEvent } from "../config/lambda-event.ts";
import { resolve } from "../config/resolve.ts";
import { auditDefaults } from "../core/audit-order.ts";
import { emfLines } from "../core/emf.ts";
import { BackupError, sentenceOf } from "../core/errors.ts";
import {
  auditAnswer,
  auditMetrics,
  hasFailed,
  problemsOf,
  sweepAnswer,
  sweepMetrics,
} from "../core/lambda-answer.ts";
import type { Metric } from "../core/ports.ts";
import type { ScopeWish } from "../core/sweep-order.ts";
import type { LambdaLog } from "./lambda-place.ts";

export interface LambdaGround {
  readonly options: SweepOptions;
  readonly log: LambdaLog;
  readonly functionName: string;
}

type Action = (event: LambdaEvent, ground: LambdaGround, signal: AbortSignal) => Promise<object>;

/** What the functions of the command line do, with an answer for machines. */
export function perform(
  event: LambdaEvent,
  { left, ...ground }: LambdaGround & { /** Milliseconds. */ readonly left: number },
  signal: AbortSignal,
): Promise<object> {
  const options = { ...ground.options, until: instantIn(left) };
  return actions[event.action](event, { ...ground, options }, signal);
}

const levels = { error: "error", warning: "warn", notice: "info", note: "info" } as const;

const actions: Readonly<Record<LambdaEvent["action"], Action>> = {
  async sweep(event, ground, signal) {
    const { parts: only, dryRun } = event;
    const order = { scope: scopeOf(event), only, dryRun, yes: false, stop: false };
    const report = await sweep(order, ground.options, signal);
    const { run } = report;
    for (const swept of report.units)
      for (const problem of problemsOf(swept))
        ground.log.log(levels[problem.severity], `${swept.unit.id}: ${sentenceOf(problem)}`, { run });
    const answer = sweepAnswer(report);
    await tell(answer, sweepMetrics(answer), ground);
    if (!hasFailed(answer)) return answer;
    const problems = answer.units.flatMap((one) => one.problems);
    throw nothingDone("sweep", problems);
  },

  async audit(event, ground, signal) {
    const { audit } = await import("../agent/audit.ts");
    const { publish, notify } = event;
    const order = { ...auditDefaults, scope: scopeOf(event), publish, notify };
    const report = await audit(order, ground.options, signal);
    const { run } = report;
    for (const { severity, unit, what, kind: code } of report.findings)
      ground.log.log(levels[severity], `${unit}: ${what}`, { run, code });
    const answer = auditAnswer(report);
    await tell(answer, auditMetrics(answer), ground);
    if (report.audited.length > 0) return answer;
    throw nothingDone("audit", answer.worst);
  },

  async units(event, { options }, signal) {
    const { units } = await openSweep(scopeOf(event), options, signal);
    const open = units.open.map(({ unit }) => ({ accounts: [unit.account], regions: [unit.region] }));
    // Each of these fails by itself, where it is seen as what it is.
    const lost = units.lost.map(({ unit }) => ({ accounts: [unit.account], regions: "all" as const }));
    return { version: 1, outcome: "done", units: [...open, ...lost] };
  },
};

/** What a function answers nobody may read: the log has it, and alarms have the numbers. */
async function tell(
  answer: object,
  metrics: readonly Metric[],
  { options, log, functionName }: LambdaGround,
): Promise<void> {
  await log.raw(JSON.stringify(answer));
  const { namespace } = settingsOf(options).metrics;
  const lines = emfLines(metrics, { Function: functionName }, { namespace }, new Date());
  for (const line of lines) await log.raw(line);
}

function scopeOf({ regions = [] }: LambdaEvent): ScopeWish {
  return { regions: regions === "all" ? [] : regions, allRegions: regions === "all", roles: [] };
}

function settingsOf({ loaded }: Pick<SweepOptions, "loaded">) {
  return resolve({ tags: {}, ...(loaded.ok === true ? { file: loaded.file } : {}) }).settings;
}

function nothingDone(doing: string, problems: readonly string[]): BackupError {
  return new BackupError({
    kind: "unexpected",
    doing,
    found: `every account and Region failed: ${[...new Set(problems)].slice(0, 3).join("; ")}`,
    code: "NothingDone",
  });
}
