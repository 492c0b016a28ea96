import { counted } from "./counted.ts";
import { type ForeignTool, toolOf } from "./foreign-tools.ts";
import type { Tags } from "./instance.ts";
import { seriesOf } from "./job.ts";
import { maxTags, tagKeys } from "./point-tags.ts";
import { defaultRetention, formatPolicy, type RetentionPolicy } from "./retention-policy.ts";
import type { ForeignSnapshot, SweepInstance, SweepUnit, SweepVolume } from "./sweep-ports.ts";

/** Says of a point which tool its snapshot was taken over from. */
const adoptedKey = "ec2-backup:adopted";

/** What is known of a unit when it is decided what to take over. */
export interface AdoptionGround {
  readonly unit: SweepUnit;
  /** Of ARNs: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  readonly instances: readonly SweepInstance[];
  readonly volumes: readonly SweepVolume[];
  readonly foreign: readonly ForeignSnapshot[];
}

export interface AdoptionWish {
  readonly tool: ForeignTool;
  /** Absent = as long as the tool itself would have kept each. */
  readonly retention?: Pick<RetentionPolicy, "counts" | "within">;
  readonly run: string;
  readonly version: string;
}

/** A snapshot that becomes a point of ours by these tags. */
export interface Adoption {
  readonly snapshot: string;
  readonly volume: string;
  readonly captured: Date;
  readonly policy: string;
  readonly tags: Tags;
}

export interface AdoptionPlan {
  /** The oldest first. */
  readonly adopt: readonly Adoption[];
  readonly left: readonly { readonly snapshot: string; readonly because: string }[];
}

/**
 * Decides which snapshots of another tool are taken over, and by which tags. Each becomes a point of a series of its
 * volume: the tool made them one by one, so that no two of them are of one instant, and a rule that counts must not
 * count volumes. Nothing is ever removed by this: that is for retention, later, with its brake.
 */
export function planAdoption(ground: AdoptionGround, wish: AdoptionWish): AdoptionPlan {
  const owners = new Map(ground.volumes.map(({ id, attachedTo }) => [id, attachedTo]));
  const instances = new Map(ground.instances.map((one) => [one.id, one]));
  const adopt: Adoption[] = [];
  const left: { snapshot: string; because: string }[] = [];
  for (const one of ground.foreign) {
    if (toolOf(one)?.id !== wish.tool.id) continue;
    const owner = owners.get(one.volumeId) ?? one.instanceHint;
    const judged = judge(one, owner, wish);
    if ("because" in judged) left.push({ snapshot: one.id, because: judged.because });
    else
      adopt.push(
        adoptionOf(one, instances.get(judged.owner)?.arn ?? arnOf(judged.owner, ground), judged.policy, wish),
      );
  }
  return { adopt: adopt.sort((a, b) => a.captured.getTime() - b.captured.getTime()), left };
}

function judge(
  one: ForeignSnapshot,
  owner: string | undefined,
  wish: AdoptionWish,
): { owner: string; policy: RetentionPolicy } | { because: string } {
  if (wish.tool.ofAws === true) return { because: `${wish.tool.name} manages it, and nobody else may` };
  if (one.state !== "completed") return { because: `it is ${one.state}` };
  if (owner === undefined) return { because: "neither its volume nor its description tells its instance" };
  if ((one.tagCount ?? 0) + written > maxTags) return { because: `it has no room for ${written} more tags` };
  const { timezone, demanded, shrinkDelay } = defaultRetention;
  if (wish.retention !== undefined)
    return { owner, policy: { timezone, demanded, shrinkDelay, ...wish.retention } };
  const { at, by } = wish.tool.expires(one);
  if (at === undefined) return { because: `when it expires is not written on it (${by}): say --retention` };
  // Whole days, so that snapshots of one rule record one policy.
  const within = Math.max(1, Math.ceil((at.getTime() - one.startTime.getTime()) / day)) * day;
  return { owner, policy: { timezone, demanded, shrinkDelay, counts: {}, within } };
}

const day = 86_400_000;

/** How many tags an adoption writes. */
const written = 11;

function adoptionOf(
  { id, volumeId, startTime }: ForeignSnapshot,
  arn: string,
  policy: RetentionPolicy,
  { tool, run, version }: AdoptionWish,
): Adoption {
  const job = `adopted-${volumeId}`;
  const tags = {
    [tagKeys.point]: `adopted-${id}`,
    [tagKeys.run]: run,
    [tagKeys.job]: job,
    [tagKeys.series]: seriesOf(job, arn),
    [tagKeys.instance]: arn,
    [tagKeys.captured]: startTime.toISOString(),
    [tagKeys.retention]: formatPolicy(policy),
    [tagKeys.consistency]: "crash",
    [tagKeys.version]: version,
    [`${tagKeys.manifest}1`]: volumeId,
    [adoptedKey]: tool.id,
  };
  return { snapshot: id, volume: volumeId, captured: startTime, policy: formatPolicy(policy), tags };
}

function arnOf(instance: string, { unit: { region, account }, partition }: AdoptionGround): string {
  return `arn:${partition}:ec2:${region}:${account}:instance/${instance}`;
}

/** Why some are left, the commonest first. */
export function reasonsLeft({ left }: Pick<AdoptionPlan, "left">): string[] {
  const groups = Map.groupBy(left, ({ because }) => because);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([because, its]) => `${counted(its.length, "snapshot")}: ${because}`);
}
