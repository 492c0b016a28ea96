import { InvalidArgumentError, Option } from "commander";
import type { AddWords } from "./parse.ts";
import { shaped } from "./shaped.ts";

const examples = `Examples:
  ec2-backup policy                       what there is
  ec2-backup policy agent-create-only     filled in for this instance
  ec2-backup policy drill --region eu-central-1 --account 111122223333
  ec2-backup policy repository-client --bucket example-backups/build
  ec2-backup policy --cloudformation agent-create-only metrics lock > role.json
  ec2-backup policy --terraform > ec2-backup.tf

What is not said is taken from the configuration and the instance metadata.`;

const listed = (shape: RegExp, expected: string) => {
  const read = shaped(shape, expected);
  return (text: string, before: readonly string[] = []) => [...before, read(text)];
};

const account = shaped(/^\d{12}$/, "twelve digits");
const region = shaped(/^([a-z]{2}(-[a-z]+)+-\d|\*)$/, "a Region such as eu-central-1, or * for all");
const topic = listed(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, "the ARN of an SNS topic");
const key = listed(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, "the ARN of a KMS key");
const namespace = shaped(/^(?!AWS\/)[\w.\-/#:]{1,255}$/, "a namespace of CloudWatch");

const bucket = shaped(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w!.'()/-]+)?$/, "a bucket, or bucket/path");

function days(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 3650)
    throw new InvalidArgumentError("expected 1 to 3650 days.");
  return Number(text);
}

/** The words of `ec2-backup policy`. */
export const addPolicy: AddWords = (place, choose) => {
  place
    .argument("[name...]", "which; without a name all are listed")
    .option("--account <id>", "the account", account)
    .option("--region <region>", "the Region; '*' for all", region)
    .addOption(new Option("--partition <partition>").choices(["aws", "aws-cn", "aws-us-gov"]))
    .option("--namespace <namespace>", "of the metrics", namespace)
    .option("--topic <arn>", "that is told; may be repeated", topic)
    .option("--key <arn>", "that may be used; may be repeated (default: all of the account)", key)
    .option("--bucket <bucket>", "of a repository in S3, with the path in it: bucket/path", bucket)
    .option("--lock-days <days>", "how long a lock may last at most", days)
    .addOption(
      new Option("--cloudformation", "a template with role, instance profile and topic").conflicts(
        "terraform",
      ),
    )
    .option("--terraform", "the same for Terraform")
    .addHelpText("after", `\n${examples}`)
    .action((names: string[], options: Record<string, unknown>) => {
      const text = (name: string) => (typeof options[name] === "string" ? { [name]: options[name] } : {});
      const list = (name: string) => (Array.isArray(options[name]) ? options[name].map(String) : []);
      choose({
        name: "policy",
        policies: names,
        form: options["cloudformation"] ? "cloudformation" : options["terraform"] ? "terraform" : "plain",
        place: {
          ...text("account"),
          ...text("region"),
          ...text("partition"),
          ...text("namespace"),
          ...text("bucket"),
          ...(typeof options["lockDays"] === "number" ? { lockDays: options["lockDays"] } : {}),
          topics: list("topic"),
          keys: list("key"),
        },
      });
    });
};
