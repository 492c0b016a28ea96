import { sentenceOf } from "./errors.ts";
import { harmless } from "./harmless.ts";
import { asciiLine, longestSubject, type Notice } from "./notice.ts";
import type { SweepUnit } from "./sweep-ports.ts";
import type { UnitSwept } from "./sweep-report.ts";

/** A message for people: instances are off, and nobody but they can help. */
export function stopsNotice(
  { id }: SweepUnit,
  { stops, problems }: UnitSwept,
  run: string,
  version: string,
): Notice {
  const down = stops?.down ?? [];
  const about = problems.filter(({ severity, doing }) => {
    return severity === "error" && down.some((one) => doing.includes(one));
  });
  const lines = [
    `A sweep has stopped these instances of ${id} for their backups, and they do not run again:`,
    ...down.map((one) => `  ${one}`),
    "",
    ...about.map((one) => sentenceOf(one)),
    "",
    `To do: aws ec2 start-instances --instance-ids ${down.join(" ")}`,
    "Each further sweep tries it again, and stops no other instance there meanwhile.",
    "",
    `Sweep ${run}, ec2-backup-agent ${version}`,
  ];
  const said =
    down.length === 1 ? `${down[0]} does not run again` : `${down.length} instances do not run again`;
  return {
    subject: asciiLine(`Backup: ${said} after its capture, ${id}`, longestSubject),
    text: `${lines.map(harmless).join("\n")}\n`,
  };
}
