import { counted } from "./counted.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./recovery-point.ts";

/** What is looked at of a snapshot. */
export type Marked = Pick<Snapshot, "volumeId" | "startTime" | "tags">;

/** A tool that makes snapshots, and how to tell that one is its own. */
interface Tool {
  readonly name: string;
  readonly made: (snapshot: Marked) => boolean;
  /** Shows what makes them. */
  readonly command: string;
  readonly advice: string;
}

const has = (key: string) => (snapshot: Marked) => Object.hasOwn(snapshot.tags, key);

/** The marks that each tool writes; `aws:` tags are written by AWS only. */
const tools: readonly Tool[] = [
  {
    name: "Amazon Data Lifecycle Manager",
    made: has("aws:dlm:lifecycle-policy-id"),
    command: "aws dlm get-lifecycle-policies",
    advice: "leave this instance's tags out of the policy, or do without this agent here",
  },
  {
    name: "AWS Backup",
    made: has("aws:backup:source-resource"),
    command: "aws backup list-protected-resources",
    advice: "take this instance out of the backup plan's selection, or do without this agent here",
  },
  {
    name: "ebs_snapper or a tool of its dialect (tag DeleteOn)",
    made: (one) => Object.hasOwn(one.tags, "DeleteOn") && one.tags["Type"] !== "Automated",
    command: "ebs-snapper configure -l",
    advice: "take this instance out of its configuration",
  },
  {
    name: "aws-ebs-snapshots-lambda or a tool of its dialect (tags Type=Automated, DeleteOn)",
    made: (one) => Object.hasOwn(one.tags, "DeleteOn") && one.tags["Type"] === "Automated",
    command: "aws lambda list-functions --query 'Functions[].FunctionName'",
    advice: "it goes by the instance's tag Backup: give the Lambda another tag to go by, or remove it",
  },
];

/** Milliseconds: what is older tells of a tool that may be gone. */
const recent = 14 * 86_400_000;

/** Which other tools have lately made snapshots of these volumes. Ours are known by our tag. */
export function judgeForeign(snapshots: readonly Marked[], ownTag: string, now: Date): Finding[] {
  const others = snapshots.filter(
    (one) => !Object.hasOwn(one.tags, ownTag) && now.getTime() - one.startTime.getTime() < recent,
  );
  const by = Map.groupBy(others, (one) => tools.find((tool) => tool.made(one)));
  return [...by].flatMap(([tool, made]) => (tool === undefined ? [] : [finding(tool, made)]));
}

function finding({ name, command, advice }: Tool, made: readonly Marked[]): Finding {
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
