import type { Explanation } from "../core/explanation.ts";
import { copiedFrom } from "../core/restore-copies.ts";
import { describePolicy } from "../core/retention-policy.ts";
import { terminationTag } from "../core/termination.ts";
import { formatInstant, type Terminal } from "./terminal.ts";

export function printExplanation(explanation: Explanation, out: Terminal): void {
  const { snapshot, point, verdict, reasons } = explanation;
  const member = point.snapshots.find((one) => one.id === snapshot);
  const recipe = point.recipe.find((volume) => volume.volumeId === member?.volumeId);
  out.print(
    `${out.paint("bold", snapshot)} of ${member?.volumeId ?? "?"} (${point.stored === undefined ? (recipe?.device ?? "device unknown") : `in ${point.stored.repository}`})`,
  );
  out.print(
    `  state        ${member?.state ?? "?"}${member?.stateMessage === undefined ? "" : `: ${member.stateMessage}`}`,
  );
  out.print(`  point        ${point.id}, ${point.state}, ${point.consistency}-consistent`);
  if (explanation.region !== undefined)
    out.print(`  copy         in ${explanation.region}, of ${member?.tags[copiedFrom] ?? "?"}`);
  if (point.image !== undefined)
    out.print(`  image        ${point.image.id ?? "gone or unknown"}, made for ${point.image.period}`);
  out.print(`  captured     ${formatInstant(point.captured.toISOString())} by run ${point.run}`);
  const notice = member?.tags[terminationTag];
  if (notice !== undefined) out.print(`  last capture ${notice}`);
  if (point.stored === undefined)
    out.print(`  together with ${point.snapshots.map((one) => `${one.id} (${one.volumeId})`).join(", ")}`);
  if (point.policy !== undefined) {
    const recorded = point.policy === "unreadable" ? "unreadable" : describePolicy(point.policy);
    out.print(`  policy then  ${recorded}`);
  }
  if (explanation.policy !== undefined) out.print(`  policy now   ${explanation.policy}`);
  out.print(verdictLine[verdict]);
  for (const reason of reasons) out.print(`  - ${reason}`);
}

const verdictLine: Readonly<Record<Explanation["verdict"], string>> = {
  keep: "It is kept, because:",
  remove: "The next run removes it: no rule keeps it.",
  postponed: "No rule keeps it, but the brake leaves it for now; see `ec2-backup plan`.",
  elsewhere: "No rule keeps it; another role prunes (prune: elsewhere) and may remove it.",
  unknown: "Nothing removes it:",
};
