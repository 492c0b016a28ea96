import { type SweepOptions, sweep } from "../agent/sweep.ts";
import { openSweep } from "../agent/sweep-session.ts";
import type { LambdaEvent } from "../config/lambda-event.ts";
import { resolve } from "../config/resolve.ts";
import { auditDefaults } from "../core/audit-order.ts";
import { emfLines } from "../core/emf.ts";
import { BackupError, sentenceOf } from "../core/errors.ts";
import { auditAnswer, hasFailed, problemsOf, sweepAnswer, sweepMetrics } from "../core/lambda-answer.ts";
import type { ScopeWish } from "../core/sweep-order.ts";
import type { LambdaLog } from "./lambda-place.ts";

export interface LambdaGround {
  readonly options: SweepOptions;
  readonly log: LambdaLog;
  readonly functionName: string;
}

type Action = (event: LambdaEvent, ground: LambdaGround, signal: AbortSignal) => Promise<object>;

/** What the functions of the command line do, with an answer for machines. */
export function perform(event: LambdaEvent, ground: LambdaGround, signal: AbortSignal): Promise<object> {
  return actions[event.action](event, ground, signal);
}

const actions: Readonly<Record<LambdaEvent["action"], Action>> = {
  async sweep(event, { options, log, functionName }, signal) {
    const { parts: only, dryRun } = event;
    const report = await sweep(
      { scope: scopeOf(event), only, dryRun, yes: false, stop: false },
      options,
      signal,
    );
    const answer = sweepAnswer(report);
    for (const unit of report.units)
      for (const problem of problemsOf(unit)) {
        const level =
          problem.severity === "error" ? "error" : problem.severity === "warning" ? "warn" : "info";
        log.log(level, `${unit.unit.id}: ${sentenceOf(problem)}`, { run: report.run });
      }
    await log.raw(JSON.stringify(answer));
    const { namespace } = settingsOf(options).metrics;
    const function_ = { Function: functionName };
    for (const line of emfLines(sweepMetrics(answer), function_, { namespace }, new Date()))
      await log.raw(line);
    if (hasFailed(answer))
      throw nothingDone(
        "sweep",
        answer.units.flatMap(({ problems }) => problems),
      );
    return answer;
  },

  async audit(event, { options, log }, signal) {
    const { audit } = await import("../agent/audit.ts");
    const { publish, notify } = event;
    const { overdueAfter, copyLag, quota } = auditDefaults;
    const order = { scope: scopeOf(event), overdueAfter, copyLag, quota, publish, notify };
    const report = await audit(order, options, signal);
    for (const { severity, unit, what, kind } of report.findings)
      log.log(severity === "note" ? "info" : "warn", `${severity}: ${unit}: ${what}`, {
        run: report.run,
        code: kind,
      });
    const answer = auditAnswer(report);
    if (report.audited.length === 0) throw nothingDone("audit", answer.worst);
    return answer;
  },

  async units(event, { options }, signal) {
    const { units } = await openSweep(scopeOf(event), options, signal);
    const open = units.open.map(({ unit }) => ({ accounts: [unit.account], regions: [unit.region] }));
    // Each of these fails by itself, where it is seen as what it is.
    const lost = units.lost.map(({ unit }) => ({ accounts: [unit.account], regions: "all" as const }));
    return { version: 1, outcome: "done", units: [...open, ...lost] };
  },
};

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
