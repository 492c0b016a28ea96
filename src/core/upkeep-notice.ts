import { formatSpan } from "./duration.ts";
import { sentenceOf } from "./errors.ts";
import { harmless } from "./harmless.ts";
import { asciiLine, longestSubject, type Notice } from "./notice.ts";
import type { UpkeepReport } from "./upkeep.ts";
import type { UpkeepKind } from "./upkeep-names.ts";

const words: Readonly<Record<UpkeepReport["outcome"], string>> = {
  done: "done",
  degraded: "PARTLY done",
  unsound: "found DAMAGE",
  "not-done": "FAILED",
  skipped: "SKIPPED",
};

/** A message for a person: what of a repository is not as it should be, why, and what to do. `lastGood`: ISO 8601. */
export function noticeOfUpkeep(
  report: UpkeepReport & { readonly action: UpkeepKind },
  lastGood: string | undefined,
  version: string,
): Notice {
  const { action, repository, host, outcome, trigger, finished, elapsedMs, problems, run } = report;
  const said = `Repository ${action} ${words[outcome]}: ${repository}, by ${host}`;
  const errors = problems.filter(({ severity }) => severity === "error");
  const parts = [
    [`${said}.`],
    [
      `Upkeep:    ${action} of ${repository} (${trigger}), by ${host}`,
      `Ended:     ${instant(finished)}, after ${formatSpan(elapsedMs / 1000)}`,
      `Last good: ${lastGood === undefined ? "NONE: it never went well from this host" : instant(lastGood)}`,
    ],
    errors.length === 0
      ? []
      : [
          "What went wrong:",
          ...errors.slice(0, 10).map((one, index) => `  ${index + 1}. ${sentenceOf(one).slice(0, 600)}`),
        ],
    outcome === "done"
      ? []
      : [
          "On that host, as root:",
          `  ec2-backup repository list ${repository}    what is there, and who is at work on it`,
          `  ec2-backup repository ${action} ${repository}    tries again now`,
        ],
    [`Run ${run}, ec2-backup-agent ${version}`],
  ];
  const text = parts.filter((part) => part.length > 0).map((part) => part.map(harmless).join("\n"));
  return { subject: asciiLine(said, longestSubject), text: `${text.join("\n\n")}\n` };
}

function instant(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
