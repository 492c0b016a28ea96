import type { AlarmState, FoundAlarm, WrittenAlarm } from "./alarm.ts";
import type { Tags } from "./instance.ts";

/** What an alarm did, as its history tells. */
export interface ActionTaken {
  readonly alarm: string;
  /** ISO 8601. */
  readonly at: string;
  /** The service's own sentence, such as "Successfully executed action arn:...". */
  readonly summary: string;
  readonly succeeded: boolean;
  /** The ARN that was acted on, as far as the history names one. */
  readonly target?: string;
}

/** CloudWatch's alarms. Throws BackupError; a request that AWS throttles is tried again for some seconds. */
export interface AlarmService {
  find(prefix: string): Promise<readonly FoundAlarm[]>;
  /** Writes an alarm whole. `actionsEnabled` is true unless said. */
  put(
    alarm: WrittenAlarm,
    options?: { readonly warmUpMinutes?: number; readonly actionsEnabled?: boolean },
  ): Promise<void>;
  /** At most 100 at a time are sent; names that are not there are none. */
  remove(names: readonly string[]): Promise<void>;
  enableActions(names: readonly string[], enabled: boolean): Promise<void>;
  /** The tags of an alarm, by its ARN. */
  tagsOf(arn: string): Promise<Tags>;
  tag(arn: string, tags: Tags): Promise<void>;
  untag(arn: string, keys: readonly string[]): Promise<void>;
  setState(name: string, state: AlarmState, reason: string): Promise<void>;
  actionsSince(name: string, since: Date): Promise<readonly ActionTaken[]>;
  /** Replaces a dashboard; what CloudWatch says against it is returned. */
  putDashboard(name: string, body: string): Promise<readonly string[]>;
}

export interface Subscription {
  readonly protocol: string;
  readonly endpoint: string;
  readonly confirmed: boolean;
}

/** A topic as SNS has it. */
export interface Topic {
  readonly arn: string;
  /** The policy, a JSON document. */
  readonly policy: string;
  /** The key that encrypts it, if any: an id, an ARN or an alias. */
  readonly kmsKey?: string;
  readonly subscriptions: readonly Subscription[];
}

/** SNS, as far as alarms need it. Throws BackupError. */
export interface TopicService {
  /** Absent if there is no such topic. */
  find(arn: string): Promise<Topic | undefined>;
  /** Makes a topic with this policy and returns its ARN. */
  create(name: string, policy: string, tags: Readonly<Record<string, string>>): Promise<string>;
  subscribe(arn: string, protocol: string, endpoint: string): Promise<void>;
}

/** Which of the given instances exist and are not terminated. */
export type LivingInstances = (ids: readonly string[]) => Promise<ReadonlySet<string>>;
