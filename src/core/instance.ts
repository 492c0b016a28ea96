import type { MachineRecipe } from "./machine-recipe.ts";

/** Tags as EC2 gives them; keys are case-sensitive. */
export type Tags = Readonly<Record<string, string>>;

/** The machine that the agent runs on. */
export interface Instance {
  readonly id: string;
  /** The full ARN: IAM policies bind on it, and snapshots carry it. */
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly zone: string;
  /** The value of the `Name` tag, if there is one. */
  readonly name?: string;
  readonly type: string;
  readonly rootDevice: string;
  readonly tags: Tags;
  /** How it is made, for a new one like it. */
  readonly machine?: MachineRecipe;
}

/** An EBS volume attached to the instance. */
export interface Volume {
  readonly id: string;
  /** The device name of the attachment as EC2 knows it, such as `/dev/sdf`. */
  readonly device: string;
  readonly root: boolean;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops?: number;
  /** MiB a second; gp3 only. */
  readonly throughput?: number;
  readonly encrypted: boolean;
  readonly multiAttach: boolean;
  readonly deleteOnTermination: boolean;
  /** The service that manages the volume, where EC2 names one (`Operator.Principal`). */
  readonly operator?: string;
  /** EC2's word for the attachment: `attached`, `attaching`, `detaching`, `busy`. */
  readonly attachment: string;
  readonly tags: Tags;
}

/** What discovery found: the machine, its volumes and what no snapshot can cover. */
export interface Discovery {
  readonly instance: Instance;
  readonly volumes: readonly Volume[];
  /** EC2's clock at the discovery, if the answer was dated. */
  readonly asOf?: Date;
  /** Devices of instance-store volumes; their data lives and dies with the instance. */
  readonly instanceStores: readonly string[];
  /** Whether this is no instance: a host outside EC2 has no volumes that could be captured. */
  readonly elsewhere?: boolean;
}

/** The ARN of an instance. (Service authorization reference, EC2: resource types.) */
export function instanceArn({
  partition,
  region,
  account,
  instanceId,
}: {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly instanceId: string;
}): string {
  return `arn:${partition}:ec2:${region}:${account}:instance/${instanceId}`;
}
