import type { DrillReport, SubjectState } from "./drill-report.ts";
import { formatSpan } from "./duration.ts";
import { sentenceOf } from "./errors.ts";
import { harmless } from "./harmless.ts";
import { asciiLine, longestSubject, type Notice } from "./notice.ts";

const words: Readonly<Record<DrillReport["outcome"], string>> = {
  verified: "passed",
  failed: "FAILED: the backup may be of no use",
  "not-done": "could NOT be done",
};

/** A message for a person: what could not be restored, why, and what to do. */
export function noticeOfDrill(
  report: DrillReport,
  lastGood: SubjectState["lastGood"],
  version: string,
): Notice {
  const { subject, job, drill, point, problems, checks, host, run } = report;
  const whose = subject.name === undefined ? subject.id : `${subject.name} (${subject.id})`;
  const errors = problems.filter(({ severity }) => severity === "error");
  const passed = checks.filter(({ outcome }) => outcome === "passed").length;
  const good =
    lastGood === undefined
      ? "NONE: nothing of it was ever verified here"
      : `${instant(lastGood.at)}, point ${lastGood.point} of ${instant(lastGood.captured)}`;
  const parts = [
    [`The drill of ${whose}, job ${job}, ${words[report.outcome]}.`],
    [
      `Drill:     ${drill} (${report.trigger}), on ${host}`,
      `Ended:     ${instant(report.finished)}, after ${formatSpan(report.elapsedMs / 1000)}`,
      `Point:     ${point === undefined ? "none" : `${point.id} of ${instant(point.captured)}`}`,
      `Checks:    ${passed} of ${checks.length} passed`,
      `Last good: ${good}`,
    ],
    errors.length === 0
      ? []
      : [
          "What went wrong:",
          ...errors.slice(0, 10).map((one, index) => `  ${index + 1}. ${sentenceOf(one).slice(0, 600)}`),
        ],
    report.outcome === "verified"
      ? []
      : [
          "As root, on the host that drills:",
          `  ec2-backup drill ${drill} --dry-run   what would be restored and checked`,
          `  ec2-backup drill ${drill}             tries again now`,
          ...(report.outcome === "failed"
            ? ["An older point may be good: ec2-backup restore list, then ec2-backup drill --point ID"]
            : []),
        ],
    [`Run ${run}, ec2-backup-agent ${version}`],
  ];
  const text = parts.filter((part) => part.length > 0).map((part) => part.map(harmless).join("\n"));
  const title = `Restore drill ${report.outcome === "verified" ? "passed" : "FAILED"}: ${whose}, job ${job}`;
  return { subject: asciiLine(title, longestSubject), text: `${text.join("\n\n")}\n` };
}

function instant(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
