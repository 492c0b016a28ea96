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
