/** Where a topic lies. */
export interface TopicPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export function topicArn({ partition, region, account }: TopicPlace, name: string): string {
  return `arn:${partition}:sns:${region}:${account}:${name}`;
}

/** The topic that the configuration names for alarms: one that is there, or one that is made beside the instance. */
export function namedTopic(
  { topic, createTopic }: { readonly topic?: string; readonly createTopic?: string },
  place: TopicPlace,
): string | undefined {
  return topic ?? (createTopic === undefined ? undefined : topicArn(place, createTopic));
}

/** The parts of a topic's ARN; absent if it is none. */
export function readTopicArn(arn: string): (TopicPlace & { readonly name: string }) | undefined {
  const [, partition, region, account, name] =
    /^arn:(aws[a-z-]*):sns:([a-z0-9-]+):(\d{12}):([\w-]{1,256}(?:\.fifo)?)$/.exec(arn) ?? [];
  if (partition === undefined || region === undefined || account === undefined || name === undefined) return;
  return { partition, region, account, name };
}

/** Who may publish besides the account itself: CloudWatch, for alarms of this account and region. */
export const cloudWatch = "cloudwatch.amazonaws.com";

/**
 * The policy of a topic that we make: the account governs it, and CloudWatch may publish for the alarms of
 * the agents of this account. (SNS developer guide, "Example cases for Amazon SNS access control".)
 */
export function topicPolicy(place: TopicPlace, name: string): string {
  const { partition, region, account } = place;
  const Resource = topicArn(place, name);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "OwnAccount",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: [
          "sns:GetTopicAttributes",
          "sns:SetTopicAttributes",
          "sns:AddPermission",
          "sns:RemovePermission",
          "sns:DeleteTopic",
          "sns:Subscribe",
          "sns:ListSubscriptionsByTopic",
          "sns:Publish",
        ],
        Resource,
      },
      {
        Sid: "AlarmsOfEc2Backup",
        Effect: "Allow",
        Principal: { Service: cloudWatch },
        Action: "sns:Publish",
        Resource,
        Condition: {
          ArnLike: { "aws:SourceArn": `arn:${partition}:cloudwatch:${region}:${account}:alarm:ec2-backup/*` },
          StringEquals: { "aws:SourceAccount": account },
        },
      },
    ],
  });
}
