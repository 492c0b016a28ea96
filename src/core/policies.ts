/** What a document of `policies/` is: of a role, of a topic, of an organization, or no policy at all. */
type PolicyKind = "role" | "topic" | "organization" | "rule";

/** What a document of `policies/` is for. */
export interface KnownPolicy {
  readonly name: string;
  readonly kind: PolicyKind;
  /** One line, without a full stop. */
  readonly what: string;
}

const role = (name: string, what: string): KnownPolicy => ({ name, kind: "role", what });

/** The documents, the one that most need first. */
export const knownPolicies: readonly KnownPolicy[] = [
  role("agent-create-only", "captures this instance and removes nothing: the one to begin with"),
  role("agent-self-pruning", "the same, and removes its own points; in place of agent-create-only"),
  role("metrics", "tells CloudWatch metrics of its namespace; beside one of the two above"),
  role("lock", "locks its own points for at most so many days"),
  role("copy", "copies its points to other Regions, with their keys; deletes nothing there"),
  role("copy-pruning", "removes its own copies; beside copy, where runs prune"),
  role("image", "makes images of this instance, and takes them away"),
  role("vss", "has VSS hold a Windows instance still"),
  role("notify", "tells the topic of `notify.topic`"),
  role("doctor", "what `doctor` looks at beyond the rights of a run"),
  role("alarms-pause", "silences alarms and wakes them: `alarms pause` and `resume`"),
  role("alarms", "makes, tests and removes alarms, topic and dashboards; of who deploys"),
  role("adopt", "takes over snapshots of other tools by tags: `sweep adopt --yes`"),
  role("audit", "reads what `sweep audit` judges, and changes nothing"),
  role("pruner", "removes points for whoever may not: `prune` with another role than the instance's"),
  role(
    "sweep",
    "looks after the points and alarms of all instances: `sweep`; never of an instance that is backed up",
  ),
  role("sweep-create", "captures instances in place of their agents: `sweep --only create`; beside sweep"),
  role("sweep-stop", "stops those with Backup_Stop=yes for it, and starts them: beside sweep-create"),
  role("sweep-alarms", "makes and removes the one alarm of an account and Region: `sweep alarms apply`"),
  role(
    "sweep-copy",
    "copies points to other Regions in place of their agents: `sweep --only copy`; beside sweep",
  ),
  role("restore", "makes volumes of points, and undoes it; of a person or a rescue host"),
  role("restore-replace", "puts restored volumes in the place of others; beside restore"),
  role("restore-instance", "launches an instance of a point; beside restore"),
  role("drill", "restores points for a while and checks them; of the host that drills"),
  role("repository-client", "backs up to an S3 repository and deletes nothing there but its locks"),
  role("repository-pruner", "makes such a repository, and forgets and prunes there; not of its clients"),
  role("directory", "copies directories onto volumes and brings them back, on an instance"),
  role("directory-elsewhere", "the same from outside EC2, by an instance of its own; beside directory"),
  { name: "topic", kind: "topic", what: "the policy of a topic that alarms of this account tell" },
  {
    name: "scp-deny-deletion",
    kind: "organization",
    what: "a service control policy: no role of an instance destroys, shares or unlocks snapshots",
  },
  {
    name: "recycle-bin-rule",
    kind: "rule",
    what: "for `aws rbin create-rule --cli-input-json`: what is deleted stays for 14 days",
  },
];

/** Which of the documents a role of CloudFormation and Terraform gets where none is named. */
export const usualPolicies: readonly string[] = ["agent-create-only", "metrics"];

/** Why these policies are not to be in one role of an instance. */
export function unfitting(names: readonly string[]): string | undefined {
  if (names.includes("pruner"))
    return "pruner deletes the points of all instances: never in the role of an instance";
  if (names.includes("sweep"))
    return "sweep deletes the points of all instances: never in the role of an instance that is backed up";
  if (names.includes("repository-pruner"))
    return "repository-pruner deletes the points of all hosts: never in the role of an instance that backs up";
  const agents = ["agent-create-only", "agent-self-pruning"];
  if (agents.every((one) => names.includes(one))) return `${agents.join(" and ")} are for different roles`;
  return undefined;
}
