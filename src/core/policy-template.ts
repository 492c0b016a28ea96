import { fillPolicy, type Json, type PolicyPlace } from "./policy-fill.ts";

/** A document of `policies/` with its name. */
export interface NamedPolicy {
  readonly name: string;
  readonly document: Json;
}

const name = "ec2-backup";

/** Of which service a role is, in any partition that has the usual name for EC2. */
const assumedByInstances = (service: Json): Json => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
});

/**
 * A template of CloudFormation, in JSON, with a role of these policies, its instance profile, and a topic that alarms
 * can tell. `settings` are those that the stack does not know by itself.
 */
export function cloudFormationOf(
  policies: readonly NamedPolicy[],
  topic: Json,
  settings: Pick<PolicyPlace, "namespace" | "keys" | "lockDays" | "bucket">,
): Json {
  const pseudo = (word: string) => `\${AWS::${word}}`;
  const place: PolicyPlace = {
    ...settings,
    partition: pseudo("Partition"),
    region: pseudo("Region"),
    account: pseudo("AccountId"),
    topics: [`\${${topicId}}`],
  };
  const fill = (document: Json) => substituted(fillPolicy(document, place));
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "A role for instances that ec2-backup backs up, and a topic for their alarms",
    Resources: {
      [roleId]: {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: assumedByInstances({ "Fn::Sub": `ec2.${pseudo("URLSuffix")}` }),
          Policies: policies.map(({ name: one, document }) => ({
            PolicyName: `${name}-${one}`,
            PolicyDocument: fill(document),
          })),
        },
      },
      [profileId]: { Type: "AWS::IAM::InstanceProfile", Properties: { Roles: [{ Ref: roleId }] } },
      [topicId]: { Type: "AWS::SNS::Topic", Properties: { TopicName: name } },
      [`${topicId}Policy`]: {
        Type: "AWS::SNS::TopicPolicy",
        Properties: { Topics: [{ Ref: topicId }], PolicyDocument: fill(topic) },
      },
    },
    Outputs: { Profile: { Value: { Ref: profileId } }, Topic: { Value: { Ref: topicId } } },
  };
}

const roleId = "BackupRole";
const profileId = "BackupProfile";
const topicId = "BackupTopic";

/** IAM's own variables must be left to IAM: `${!ec2:…}` in Fn::Sub. */
function substituted(document: Json): Json {
  if (typeof document === "string") {
    const ours = /\$\{(AWS::\w+|BackupTopic)\}/;
    if (!ours.test(document)) return document;
    return { "Fn::Sub": document.replace(/\$\{(?!AWS::|BackupTopic\})/g, "${!") };
  }
  if (Array.isArray(document)) return document.map(substituted);
  if (typeof document !== "object" || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, substituted(value)]));
}

/** The same for Terraform; IAM's variables are written `$${ec2:…}` there. */
export function terraformOf(
  policies: readonly NamedPolicy[],
  topic: Json,
  settings: Pick<PolicyPlace, "namespace" | "keys" | "lockDays" | "bucket">,
): string {
  const place: PolicyPlace = {
    ...settings,
    partition: "\u0001data.aws_partition.current.partition\u0002",
    region: "\u0001data.aws_region.current.name\u0002",
    account: "\u0001data.aws_caller_identity.current.account_id\u0002",
    topics: ["\u0001aws_sns_topic.ec2_backup.arn\u0002"],
  };
  const text = (document: Json) => hcl(fillPolicy(document, place));
  const service = "\u0001data.aws_partition.current.dns_suffix\u0002";
  const blocks = [
    'data "aws_partition" "current" {}\ndata "aws_region" "current" {}\ndata "aws_caller_identity" "current" {}',
    `resource "aws_iam_role" "ec2_backup" {\n  name_prefix        = "${name}-"\n  assume_role_policy = jsonencode(${hcl(assumedByInstances(`ec2.${service}`))})\n}`,
    ...policies.map(
      ({ name: one, document }) =>
        `resource "aws_iam_role_policy" "${one.replaceAll("-", "_")}" {\n  name   = "${name}-${one}"\n  role   = aws_iam_role.ec2_backup.id\n  policy = jsonencode(${text(document)})\n}`,
    ),
    `resource "aws_iam_instance_profile" "ec2_backup" {\n  role = aws_iam_role.ec2_backup.name\n}`,
    `resource "aws_sns_topic" "ec2_backup" {\n  name = "${name}"\n}`,
    `resource "aws_sns_topic_policy" "ec2_backup" {\n  arn    = aws_sns_topic.ec2_backup.arn\n  policy = jsonencode(${text(topic)})\n}`,
    'output "ec2_backup_profile" {\n  value = aws_iam_instance_profile.ec2_backup.name\n}',
    'output "ec2_backup_topic" {\n  value = aws_sns_topic.ec2_backup.arn\n}',
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** JSON is an expression of HCL, but for `${` in its strings. */
function hcl(document: Json): string {
  return JSON.stringify(document, null, 2)
    .replaceAll("${", () => "$${")
    .replace(/\\u0001/g, () => "${")
    .replace(/\\u0002/g, "}")
    .replaceAll("\n", "\n  ");
}
