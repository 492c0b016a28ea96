import type { BadCopy } from "../core/copies.ts";
import { counted } from "../core/counted.ts";
import type { Problem } from "../core/report.ts";
import type { CopyLine } from "../core/sweep-copy.ts";
import type { CopyLines } from "../core/sweep-copy-lines.ts";
import type { SweepUnit } from "../core/sweep-ports.ts";

/** Series of which nobody can tell where they go: told once, and not copied. */
export function unreadLines(unread: CopyLines["unread"], { id }: SweepUnit): Problem[] {
  const [first] = unread;
  if (first === undefined) return [];
  const others = unread.length > 1 ? `, and ${unread.length - 1} more the like` : "";
  return [
    {
      severity: "warning",
      kind: "refused",
      code: "NoTarget",
      doing: `copy ${first.series} of ${id}`,
      found: `${first.because}${others}`,
      remedy: "it is not copied; let the agent capture there again, or mend the tag",
    },
  ];
}

/** What EC2 tells of copies only when it has worked on them for a while: one problem for each reason and key. */
export function failedThere(
  bad: readonly (BadCopy & { readonly line: CopyLine })[],
  region: string,
): Problem[] {
  const reason = ({ copy, line }: (typeof bad)[number]) =>
    `${line.target.kmsKeyId ?? ""} ${copy.stateMessage ?? "EC2 says no reason"}`;
  return [...Map.groupBy(bad, reason).values()].flatMap((same): Problem[] => {
    const [first] = same;
    if (first === undefined) return [];
    const { kmsKeyId } = first.line.target;
    const key = kmsKeyId === undefined ? "the keys of the volumes and of EBS there" : `the key ${kmsKeyId}`;
    const again = same.map(({ retryAt }) => retryAt).find((at) => at !== undefined);
    const next =
      again === undefined ? "they are tried again" : `the next try is after ${again.toISOString()}`;
    return [
      {
        severity: "error",
        kind: "refused",
        code: "CopyFailed",
        doing: `copy ${first.source}${same.length > 1 ? ` and ${counted(same.length - 1, "more snapshot")}` : ""} to ${region}`,
        found: `EC2 began and could not complete it: ${first.copy.stateMessage ?? "EC2 says no reason"}`,
        remedy: `check that the role may use ${key} (ec2-backup policy sweep-copy) and that it is enabled; ${next}`,
      },
    ];
  });
}
