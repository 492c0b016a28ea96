import { type TopicPlace, topicArn } from "./topic.ts";

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
