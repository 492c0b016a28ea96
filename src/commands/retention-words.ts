import { readRetention, retentionExamples } from "../config/retention-tag.ts";
import { BackupError } from "../core/errors.ts";
import type { RetentionPolicy } from "../core/retention-policy.ts";

/** The rules that `--retention` says, in the language of the Retention tag. */
export function rulesOf(retention: string): Pick<RetentionPolicy, "counts" | "within"> {
  const rules = readRetention(retention);
  if (!("problem" in rules)) return rules;
  throw new BackupError({
    kind: "usage",
    doing: `read --retention ${retention}`,
    found: rules.problem,
    remedy: `expected ${retentionExamples}`,
  });
}
