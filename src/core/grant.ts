/** A statement of an IAM policy that allows something. */
export interface Statement {
  readonly actions: readonly string[];
  readonly resource: string;
  /** By operator, then by key: {"StringEquals": {"cloudwatch:namespace": "EC2Backup"}}. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

const snapshots = "arn:*:ec2:*::snapshot/*";
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is IAM's variable
const own = { "aws:ResourceTag/ec2-backup:instance": "${ec2:SourceInstanceARN}" };

/** What the role of an instance needs, by action; as narrow as the actions allow. */
const grants = {
  "ec2:DescribeInstances": { resource: "*" },
  "ec2:DescribeVolumes": { resource: "*" },
  "ec2:DescribeSnapshots": { resource: "*" },
  "ec2:DescribeImages": { resource: "*" },
  "ec2:DescribeLockedSnapshots": { resource: "*" },
  "ec2:CreateSnapshots": { resource: "*" },
  "ec2:CreateTags": {
    resource: snapshots,
    condition: { StringEquals: { "ec2:CreateAction": "CreateSnapshots" } },
  },
  "ec2:CreateTags (after the capture)": {
    resource: snapshots,
    condition: {
      StringEquals: own,
      "ForAllValues:StringEquals": { "aws:TagKeys": ["ec2-backup:consistency", "ec2-backup:frozen"] },
    },
  },
  "ec2:DeleteSnapshot": { resource: snapshots, condition: { StringEquals: own } },
  "ec2:LockSnapshot": { resource: snapshots, condition: { StringEquals: own } },
  "cloudwatch:PutMetricData": { resource: "*" },
  "kms:DescribeKey": { resource: "arn:*:kms:*:*:key/*" },
  "kms:GetKeyPolicy": { resource: "arn:*:kms:*:*:key/*" },
  "sns:GetTopicAttributes": { resource: "arn:*:sns:*:*:*" },
} as const satisfies Record<string, Omit<Statement, "actions">>;

export type Right = keyof typeof grants;

/** The statement for one right. */
export function statementOf(right: Right, change: Partial<Omit<Statement, "actions">> = {}): Statement {
  return { actions: [right.replace(/ .*$/, "")], ...grants[right], ...change };
}

/** Own snapshots, for no longer than that: who can lock for ever can make an account pay for ever. */
export function lockCondition(days: number): NonNullable<Statement["condition"]> {
  return { StringEquals: own, NumericLessThanEquals: { "ec2:SnapshotLockDuration": String(days) } };
}

/** The command that adds a statement to a role, as a policy of its own that later ones do not replace. */
export function grantCommand(statement: Statement, role = "ROLE"): string {
  const name = statement.actions.map((action) => action.replace(/^.*:/, "")).join("-");
  const document = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: statement.actions,
        Resource: statement.resource,
        ...(statement.condition === undefined ? {} : { Condition: statement.condition }),
      },
    ],
  };
  const text = JSON.stringify(document).replace(/([,:])(?=["[{])/g, "$1 ");
  return `aws iam put-role-policy --role-name ${role} --policy-name ec2-backup-${name} --policy-document '${text}'`;
}

/** The role's name in the sentence with which AWS refuses: arn:aws:sts::111122223333:assumed-role/NAME/i-... */
export function roleIn(text: string): string | undefined {
  return /:assumed-role\/([\w+=,.@-]+)\//.exec(text)?.[1];
}

/** The action in the sentence with which AWS refuses: "is not authorized to perform: ec2:CreateTags on ...". */
export function actionIn(text: string): string | undefined {
  return /not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)/.exec(text)?.[1];
}
