/** The services that are simulated, under the names used in faults, call records and deny rules. */
export type ServiceName =
  | "ec2"
  | "cloudwatch"
  | "sts"
  | "sns"
  | "kms"
  | "ssm"
  | "ebs"
  | "servicequotas"
  | "imds";

/** The name a service has in a SigV4 credential scope; CloudWatch signs as `monitoring`. */
export const signingNames: Readonly<Record<string, ServiceName>> = {
  ec2: "ec2",
  monitoring: "cloudwatch",
  sts: "sts",
  sns: "sns",
  kms: "kms",
  ssm: "ssm",
  ebs: "ebs",
  servicequotas: "servicequotas",
};
