import type { Check } from "../../actions/examine.ts";
import { BackupError, failureOf } from "../../core/errors.ts";
import type { Finding, Severity } from "../../core/finding.ts";
import { actionIn, grantCommand, type Right, roleIn, type Statement, statementOf } from "../../core/grant.ts";
import type { Ground } from "./ground.ts";

export type DoctorCheck = Check<Ground>;

/** What a right is asked for by, and what its lack means. */
export interface Question {
  readonly right: Right;
  readonly change?: Partial<Omit<Statement, "actions">>;
  readonly why: string;
  /** Of a denial; any other failure is thrown. */
  readonly severity?: Severity;
  ask(): Promise<unknown>;
}

/** Asks for a right. A denial is a finding with the statement that is missing; all else is thrown. */
export async function askFor({
  right,
  change,
  why,
  severity = "error",
  ask,
}: Question): Promise<Finding | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind !== "denied") throw error;
    const action = actionIn(error.found) ?? right.replace(/ .*$/, "");
    const statement = statementOf(rightFor(action, right), change);
    return {
      severity,
      what: `AWS refuses ${action} (${failureOf(error, "ask").found.slice(0, 240)})`,
      why,
      command: grantCommand(statement, roleIn(error.found)),
      ...(severity === "error" ? { kind: "denied" as const } : {}),
    };
  }
}

/** A creating call may be refused because of what it implies: the tags at birth. */
function rightFor(action: string, asked: Right): Right {
  return action === "ec2:CreateTags" && asked === "ec2:CreateSnapshots" ? "ec2:CreateTags" : asked;
}
