import { counted } from "./counted.ts";
import type { Finding } from "./finding.ts";
import { type ForeignTool, type MarkedSnapshot, toolOf } from "./foreign-tools.ts";

/** What is looked at of a snapshot. */
export type Marked = MarkedSnapshot;

/** Milliseconds: what is older tells of a tool that may be gone. */
const recentlyMade = 14 * 86_400_000;

/** The snapshots that others have lately made, by the tools that made them. */
function byTool<S extends Marked>(snapshots: readonly S[], ownTag: string, now: Date): [ForeignTool, S[]][] {
  const others = snapshots.filter(
    (one) => !Object.hasOwn(one.tags, ownTag) && now.getTime() - one.startTime.getTime() < recentlyMade,
  );
  const by = Map.groupBy(others, toolOf);
  return [...by].flatMap(([tool, made]): [ForeignTool, S[]][] =>
    tool === undefined || tool.marksOnly === true ? [] : [[tool, made]],
  );
}

/** Which other tools have lately made snapshots of these volumes. Ours are known by our tag. */
export function judgeForeign(snapshots: readonly Marked[], ownTag: string, now: Date): Finding[] {
  return byTool(snapshots, ownTag, now).map(([tool, made]) => finding(tool, made));
}

function finding({ name, command, advice }: ForeignTool, made: readonly Marked[]): Finding {
  const volumes = [...new Set(made.map((one) => one.volumeId))].sort();
  const count = counted(made.length, "snapshot");
  return {
    severity: "warning",
    what: `${name} made ${count} of ${volumes.join(", ")} in the last 14 days`,
    why: "two tools pay twice and share EC2's limits: 5 snapshots of a volume at once, 15 s between two",
    advice,
    command,
  };
}
