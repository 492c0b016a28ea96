/** A token bucket: how much is left, and when that was counted on the clock's `elapsed` hand. */
export interface Bucket {
  tokens: number;
  at: number;
}

/** How much a bucket holds and how much flows back each second. */
export interface Rate {
  capacity: number;
  perSecond: number;
}

/**
 * Takes one token.
 * @param elapsed milliseconds on the clock's `elapsed` hand.
 * @returns whether there was one; an empty bucket stays as it is.
 */
export function takeToken(
  buckets: Record<string, Bucket>,
  name: string,
  rate: Rate,
  elapsed: number,
): boolean {
  const bucket = buckets[name] ?? { tokens: rate.capacity, at: elapsed };
  const refilled = bucket.tokens + (Math.max(0, elapsed - bucket.at) / 1_000) * rate.perSecond;
  const tokens = Math.min(rate.capacity, refilled);
  const granted = tokens >= 1;
  buckets[name] = { tokens: granted ? tokens - 1 : tokens, at: elapsed };
  return granted;
}

/** EC2's request buckets per account, Region and action (ec2/devguide/ec2-api-throttling). */
export const ec2Rates = {
  describe: { capacity: 100, perSecond: 20 },
  /** A Describe call without pages and without filters. */
  unbounded: { capacity: 50, perSecond: 10 },
  /** Calls that make and remove snapshots, volumes and attachments: a resource-intensive class of its own. */
  snapshots: { capacity: 100, perSecond: 5 },
  tags: { capacity: 100, perSecond: 10 },
  /** Any other call that changes something. */
  mutating: { capacity: 50, perSecond: 5 },
  /** RunInstances, StartInstances. */
  launches: { capacity: 5, perSecond: 2 },
} as const satisfies Record<string, Rate>;

/**
 * CloudWatch: 500 PutMetricData a second (PutMetricData docs); the other calls of the quota page are far below that.
 * Those on tags are not on it; theirs is an assumption.
 */
export const cloudwatchRates: Readonly<Record<string, Rate>> = {
  PutMetricData: { capacity: 500, perSecond: 500 },
  GetMetricStatistics: { capacity: 400, perSecond: 400 },
  GetMetricData: { capacity: 50, perSecond: 50 },
  ListMetrics: { capacity: 25, perSecond: 25 },
  ...each(3, "PutMetricAlarm", "DeleteAlarms", "SetAlarmState", "EnableAlarmActions", "DisableAlarmActions"),
  ...each(9, "DescribeAlarms"),
  ...each(20, "DescribeAlarmHistory", "ListTagsForResource", "TagResource", "UntagResource"),
  ...each(10, "PutDashboard", "GetDashboard", "ListDashboards", "DeleteDashboards"),
};

/** SNS (general reference, SNS quotas); Publish is far above what one account's backups do, and tag calls are the slow ones. */
export const snsRates: Readonly<Record<string, Rate>> = {
  ...each(100, "Subscribe", "Unsubscribe"),
  ...each(30, "CreateTopic", "DeleteTopic", "ListTopics", "ListSubscriptions", "ListSubscriptionsByTopic"),
  ...each(30, "GetTopicAttributes", "SetTopicAttributes", "ConfirmSubscription"),
  ...each(10, "TagResource", "UntagResource", "ListTagsForResource"),
  ...each(300, "Publish"),
};

/** KMS (developer guide, request quotas). */
export const kmsRates: Readonly<Record<string, Rate>> = {
  ...each(2_000, "DescribeKey"),
  ...each(1_000, "GetKeyPolicy"),
  ...each(500, "ListAliases"),
};

/** STS ("600 requests per second per account, per Region", IAM user guide). */
export const stsRates: Readonly<Record<string, Rate>> = {
  ...each(600, "AssumeRole", "GetCallerIdentity"),
};

/** EBS direct APIs ("50 requests per second per account" each, EBS quotas). */
export const ebsRates: Readonly<Record<string, Rate>> = {
  ...each(50, "ListSnapshotBlocks", "ListChangedBlocks"),
};

/** Service Quotas; the numbers are an assumption. */
export const serviceQuotasRates: Readonly<Record<string, Rate>> = {
  ...each(
    10,
    "GetServiceQuota",
    "ListServiceQuotas",
    "GetAWSDefaultServiceQuota",
    "ListAWSDefaultServiceQuotas",
  ),
};

// So many a second, and no more at once.
function each(perSecond: number, ...actions: string[]): Record<string, Rate> {
  return Object.fromEntries(actions.map((action) => [action, { capacity: perSecond, perSecond }]));
}
