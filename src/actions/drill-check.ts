import type { DrillHost } from "../core/drill-ports.ts";
import type { CheckResult } from "../core/drill-report.ts";
import { BackupError } from "../core/errors.ts";
import type { RestoreDeps } from "./restore-deps.ts";

/** What drilling needs of the world. */
export interface DrillDeps extends RestoreDeps {
  readonly host: DrillHost;
}

/** What is found out while a drill goes on. */
export interface Findings {
  readonly checks: CheckResult[];
  readonly notes: string[];
  /** The captured volumes of which something was mounted. */
  readonly looked: Set<string>;
}

/** How a look ended, each with what is to be told; without a word it is good. */
export interface Looked {
  readonly failed?: string;
  readonly undone?: string;
  readonly skipped?: string;
  readonly detail?: string;
}

/** Does one check and keeps what came of it; a failure of the program that looks is one of the check. */
export async function check(
  { checks }: Findings,
  { clock, log }: Pick<DrillDeps, "clock" | "log">,
  name: CheckResult["check"],
  on: string,
  body: () => Promise<Looked>,
): Promise<boolean> {
  const began = clock.elapsed();
  const keep = (outcome: CheckResult["outcome"], detail: string | undefined): boolean => {
    const ms = Math.round(clock.elapsed() - began);
    checks.push({ check: name, on, outcome, ...(detail === undefined ? {} : { detail }), ms });
    log(
      outcome === "passed" ? "info" : "warn",
      `${name} ${on}: ${[outcome, detail].filter(Boolean).join(": ")}`,
    );
    return outcome === "passed";
  };
  try {
    const { failed, skipped, undone, detail } = await body();
    if (failed !== undefined) return keep("failed", failed);
    if (undone !== undefined) return keep("not-done", undone);
    return skipped === undefined ? keep("passed", detail) : keep("skipped", skipped);
  } catch (error) {
    // What is set up wrong on this host says nothing about the point.
    if (!(error instanceof BackupError) || error.kind === "interrupted" || error.kind === "configuration")
      throw error;
    return keep("failed", error.found);
  }
}
