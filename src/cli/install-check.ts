import { counted } from "../core/counted.ts";
import { type CheckReport, worstFirst } from "../core/finding.ts";
import { harmless } from "../core/harmless.ts";
import type { RunReport } from "../core/report.ts";
import { commandLines } from "./doctor.ts";
import { type Terminal, wrapped } from "./terminal.ts";

/** What doctor and a plan came to after an install. */
export interface InstallCheck {
  readonly reports: readonly CheckReport[];
  readonly plans: readonly RunReport[];
  /** Instead of plans: why there are none. */
  readonly message?: string;
  readonly failure?: string;
}

/** Whether a run would fail, or nobody would start one. */
export function hasFailed({ reports, plans, failure }: InstallCheck): boolean {
  const found = reports.flatMap(({ findings }) => findings);
  const problems = plans.flatMap((plan) => plan.problems);
  return failure !== undefined || [...found, ...problems].some(({ severity }) => severity === "error");
}

const widest = 100;

function notesOf(count: number): string {
  return count === 0 ? "" : ` (${counted(count, "note")})`;
}

/** A line or two for each finding and each job; the commands themselves tell all. */
export function printInstallCheck(check: InstallCheck, out: Terminal): void {
  const width = Math.min(out.width, widest);
  const findings = worstFirst(check.reports);
  const serious = findings.filter(({ severity }) => severity !== "note");
  out.print(
    out.paint("bold", `\nDoctor: ${serious.length === 0 ? "nothing is wrong" : "what it found"}`) +
      notesOf(findings.length - serious.length),
  );
  for (const { severity, check: name, what, command } of serious) {
    const style = severity === "error" ? "red" : "yellow";
    const [first = "", ...rest] = wrapped(harmless(what), width - 6 - severity.length - name.length);
    out.print(`${out.paint(style, severity)} ${name}: ${first}`);
    for (const line of wrapped(rest.join(" "), width - 4)) if (line !== "") out.print(`    ${line}`);
    for (const [index, line] of commandLines(harmless(command), width - 6).entries())
      out.print(`    ${index === 0 ? "$" : " "} ${line}`);
  }
  out.print(out.paint("bold", "\nPlan"));
  for (const plan of check.plans) out.print(lineOf(plan));
  if (check.message !== undefined) for (const line of wrapped(check.message, width)) out.print(line);
  if (check.failure !== undefined)
    for (const line of wrapped(check.failure, width)) out.print(out.paint("red", line));
}

function lineOf({ job, chosen, points, problems }: RunReport): string {
  const [point] = points;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const consistency = point === undefined ? "" : `, ${point.consistency}-consistent`;
  const wrong = errors === 0 ? "" : `; ${counted(errors, "error")}: see ec2-backup plan`;
  return `Job ${job}: a run takes ${counted(chosen.length, "volume")}${consistency}${wrong}`;
}
