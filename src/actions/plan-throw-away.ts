import type { InstanceFlags } from "../core/directory-flags.ts";
import type { DirectoryPlaces } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";

/** What the throw-away instance is made of, decided before anything is made. */
export interface ThrowAwayPlan {
  readonly zone: string;
  readonly subnet: string;
  readonly vpc: string;
  readonly type: string;
  readonly image: string;
  readonly port: number;
  /** Addresses that may come in. */
  readonly from: string;
  /** Minutes after which it ends itself, if nobody is left to end it. */
  readonly lifetime: number;
}

/** Small types that every region has some of, cheapest first. */
const usualTypes = ["t3.small", "t3a.small", "t4g.small", "m5.large", "m6g.large", "t2.small"];

/** Looks up everything that the instance needs, so that what cannot be is told before anything is made. */
export async function planThrowAway(
  wish: {
    readonly zone?: string;
    readonly flags: InstanceFlags;
    readonly port: number;
    readonly from: string;
    readonly lifetime: number;
  },
  places: DirectoryPlaces,
  signal: AbortSignal,
): Promise<ThrowAwayPlan> {
  const { flags, port, from, lifetime } = wish;
  const subnet = await subnetFor(wish.zone, flags, places, signal);
  const type = flags.type ?? (await usualType(subnet.zone, places, signal));
  const facts = await places.typeFacts(type, signal);
  const architecture = ["x86_64", "arm64"].find((one) => facts.architectures.includes(one));
  if (!facts.virtualizations.includes("hvm") || architecture === undefined)
    throw new BackupError({
      kind: "usage",
      doing: `start an instance of type ${type}`,
      found: `it runs ${facts.virtualizations.join(" and ")} images of ${facts.architectures.join(" and ")} only, and Amazon Linux 2023 has none of these`,
      remedy: `take another type, such as ${usualTypes[0]}`,
    });
  if (flags.type !== undefined && (await places.offered([type], subnet.zone, signal)).length === 0)
    throw new BackupError({
      kind: "usage",
      doing: `start an instance of type ${type}`,
      found: `the zone ${subnet.zone} does not offer it`,
      remedy: "take another type; the instance must be in the volume's zone",
    });
  const image = flags.image ?? (await places.newestImage(architecture, signal));
  return { zone: subnet.zone, subnet: subnet.id, vpc: subnet.vpc, type, image, port, from, lifetime };
}

async function subnetFor(
  zone: string | undefined,
  { subnet }: InstanceFlags,
  places: DirectoryPlaces,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly zone: string; readonly vpc: string }> {
  const doing = "choose a subnet for the throw-away instance";
  if (subnet !== undefined) {
    const found = await places.subnet(subnet, signal);
    if (found === undefined)
      throw new BackupError({ kind: "usage", doing, found: `there is no ${subnet} in this region` });
    if (zone === undefined || zone === found.zone) return found;
    throw new BackupError({
      kind: "usage",
      doing,
      found: `${subnet} is in the zone ${found.zone}, and the volume is or shall be in ${zone}`,
    });
  }
  if (zone !== undefined && !(await places.zones(signal)).includes(zone))
    throw new BackupError({ kind: "usage", doing, found: `this region has no zone ${zone}` });
  const [first] = await places.subnets(zone, signal);
  if (first !== undefined) return first;
  throw new BackupError({
    kind: "refused",
    doing,
    found: `${zone === undefined ? "the region" : `the zone ${zone}`} has no subnet that gives public addresses`,
    remedy: "name one that can be reached from here: EC2_BACKUP_FLAGS_AWS='--subnet-id subnet-…'",
  });
}

async function usualType(zone: string, places: DirectoryPlaces, signal: AbortSignal): Promise<string> {
  const [type] = await places.offered(usualTypes, zone, signal);
  if (type !== undefined) return type;
  throw new BackupError({
    kind: "refused",
    doing: "choose an instance type",
    found: `the zone ${zone} offers none of ${usualTypes.join(", ")}`,
    remedy: "name one that it offers: EC2_BACKUP_FLAGS_AWS='--instance-type …'",
  });
}
