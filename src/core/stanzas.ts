import { type Ec2Filter, passes } from "./ec2-filter.ts";
import type { Tags } from "./instance.ts";
import { type LongCron, nextLong } from "./long-cron.ts";
import { defaultRetention, type RetentionPolicy } from "./retention-policy.ts";
import type { SweepInstance, SweepVolume } from "./sweep-ports.ts";

/** How often: so many milliseconds after the last one, or at each instant of a crontab, in UTC. */
export type Frequency = { readonly every: number } | { readonly cron: LongCron };

/** One stanza of an account-wide tool's configuration: which instances, how often, how long, how many at least. */
export interface Stanza {
  /** What it is called in its file. */
  readonly id: string;
  /** All of them must hold; never empty. */
  readonly match: readonly Ec2Filter[];
  /** Milliseconds. */
  readonly retention: number;
  readonly minimum: number;
  readonly frequency: Frequency;
  /** Ids of instances and volumes that are left alone. */
  readonly ignore: readonly string[];
  /** Whether snapshots of volumes that are gone expire, too. */
  readonly ignoreRetention: boolean;
  /** Whether what is tagged replication_dst_region is copied there. */
  readonly replication: boolean;
}

/** The tag that names the target of copies where a stanza asks for them. */
const replicationTag = "replication_dst_region";

/** The stanzas that an instance comes under: running or stopped, and ignored by none of them. */
export function stanzasOf(instance: SweepInstance, stanzas: readonly Stanza[]): Stanza[] {
  if (instance.state !== "running" && instance.state !== "stopped") return [];
  return stanzas.filter(({ match, ignore }) => !ignore.includes(instance.id) && passes(instance, match));
}

/** The volumes of the instance that a stanza takes. */
export function volumesOf(instance: SweepInstance, { ignore }: Stanza): string[] {
  return instance.volumes.filter((id) => !ignore.includes(id));
}

/** Whether a snapshot is due: there is none, or the next after the last one should have been made before now. */
export function isDue({ frequency }: Stanza, last: Date | undefined, now: Date): boolean {
  if (last === undefined) return true;
  if ("every" in frequency) return last.getTime() + frequency.every < now.getTime();
  const next = nextLong(frequency.cron, last);
  return next !== undefined && next < now;
}

/** Its retention in our words: all that is younger, and never fewer than the minimum, which holds within one run as well. */
export function policyOf({ retention, minimum }: Stanza): RetentionPolicy {
  return { ...defaultRetention, within: retention, counts: minimum === 0 ? {} : { minimum } };
}

/** What several stanzas of one instance come to: what any of them keeps stays. */
export function jointPolicy(stanzas: readonly Stanza[]): RetentionPolicy | undefined {
  if (stanzas.length === 0) return undefined;
  const retention = Math.max(...stanzas.map((one) => one.retention));
  const minimum = Math.max(...stanzas.map((one) => one.minimum));
  return policyOf({ ...stanzas[0]!, retention, minimum });
}

/** The Regions that a volume is copied to: its own tag before that of its instance. */
export function copiesOf(stanza: Stanza, instance: Tags, volume: Pick<SweepVolume, "tags">): string[] {
  if (!stanza.replication) return [];
  const wanted = volume.tags[replicationTag] ?? instance[replicationTag] ?? "";
  return [...new Set(wanted.split(/[\s,]+/).filter((region) => region !== ""))];
}
