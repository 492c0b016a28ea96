import type { Subnet } from "./machine-ports.ts";
import type { MachineRecipe } from "./machine-recipe.ts";
import type { MachineObstacle, MachineWish, Property } from "./machine-wish.ts";

/** What EC2 says of the places that are wanted. Absent: nobody may ask, and EC2 will tell when the machine is made. */
export interface PlaceFacts {
  readonly subnets?: readonly Subnet[];
  /** By id, with their VPCs. */
  readonly groups?: ReadonlyMap<string, string>;
  readonly offered?: boolean;
}

/** What a new machine will have, each with where it comes from. */
export interface Chosen {
  readonly type?: string;
  readonly architecture?: string;
  readonly subnet?: string;
  readonly zone?: string;
  readonly groups: readonly string[];
  readonly profile?: string;
  readonly keyName?: string;
  readonly properties: readonly Property[];
  readonly obstacles: readonly MachineObstacle[];
}

/** The subnet that is wanted, for the questions that depend on it. */
export function wantedSubnet(
  wish: MachineWish,
  machine: MachineRecipe,
  subnets: readonly Subnet[] | undefined,
): Subnet | undefined {
  return subnets?.find(({ id }) => id === (wish.subnet ?? machine.subnet));
}

/** Chooses each property: the flag, else what was recorded. `source` says where the record is from. */
export function chooseProperties(
  wish: MachineWish,
  machine: MachineRecipe,
  source: string,
  facts: PlaceFacts,
): Chosen {
  const obstacles: MachineObstacle[] = [];
  const properties: Property[] = [];
  const choose = (name: string, given: string | undefined, recorded: string | undefined, note = "") => {
    const value = given ?? recorded;
    const from = given !== undefined ? "flag" : recorded !== undefined ? source : "-";
    const differs = given !== undefined && recorded !== undefined && given !== recorded;
    const told = value ?? "none";
    properties.push({
      name,
      value: told,
      from,
      ...(differs ? { was: recorded } : {}),
      ...(note && { note }),
    });
    return value;
  };
  const type = choose("type", wish.type, machine.type);
  const architecture = choose("architecture", wish.architecture, machine.architecture);
  choose("boot mode", undefined, machine.bootMode ?? "as the type has it");
  const subnet = choose("subnet", wish.subnet, machine.subnet);
  const place = wantedSubnet(wish, machine, facts.subnets);
  if (place !== undefined) properties.push({ name: "zone", value: place.zone, from: "subnet" });
  const wished = wish.groups.length > 0 ? wish.groups : undefined;
  const groups = wished ?? machine.groups ?? [];
  choose("groups", wished?.join(" "), machine.groups?.join(" "));
  const without = wish.profile === false;
  const profile = choose("profile", without ? "none" : wish.profile || undefined, machine.profile);
  const keyName = choose("key name", wish.keyName, machine.keyName);
  obstacles.push(
    ...lacking("type", type, "--type"),
    ...lacking("architecture", architecture, "--architecture"),
    ...subnetObstacles(subnet, place, facts),
    ...groupObstacles(groups, place, facts, wished !== undefined),
  );
  if (facts.offered === false && type !== undefined && place !== undefined)
    obstacles.push({
      about: "type",
      severity: "blocks",
      found: `${type} is not offered in ${place.zone}`,
      remedy: "choose another with --type, or a subnet of another zone with --subnet",
    });
  return {
    ...(type === undefined ? {} : { type }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(subnet === undefined ? {} : { subnet }),
    ...(place === undefined ? {} : { zone: place.zone }),
    groups,
    ...(profile === undefined || without ? {} : { profile }),
    ...(keyName === undefined ? {} : { keyName }),
    properties: [...properties, ...otherProperties(machine, source)],
    obstacles,
  };
}

function lacking(about: string, value: string | undefined, flag: string): MachineObstacle[] {
  if (value !== undefined) return [];
  const found = `the point does not tell the ${about} of the machine`;
  return [{ about, severity: "blocks", found, remedy: `say it with ${flag}` }];
}

function subnetObstacles(
  wanted: string | undefined,
  place: Subnet | undefined,
  { subnets }: PlaceFacts,
): MachineObstacle[] {
  if (wanted === undefined) return lacking("subnet", wanted, "--subnet");
  if (subnets === undefined) {
    const found = "whether the subnet is there could not be asked (ec2:DescribeSubnets)";
    return [{ about: "subnet", severity: "note", found }];
  }
  if (place !== undefined) return [];
  const choice = subnets.map(({ id, zone, vpc }) => `${id} (${zone}, ${vpc})`);
  const more = choice.length > 6 ? ` and ${choice.length - 6} more` : "";
  return [
    {
      about: "subnet",
      severity: "blocks",
      found: `there is no subnet ${wanted} any more`,
      remedy: `choose one with --subnet: ${choice.slice(0, 6).join(", ")}${more}`,
    },
  ];
}

function groupObstacles(
  wanted: readonly string[],
  place: Subnet | undefined,
  { groups }: PlaceFacts,
  given: boolean,
): MachineObstacle[] {
  const about = "groups";
  const remedy = "choose with --security-group, which may be repeated";
  if (wanted.length === 0) {
    const found = "no security group is known: it would have the default one of its VPC";
    return [{ about, severity: "blocks", found, remedy }];
  }
  if (groups === undefined) {
    const found = "whether the security groups are there could not be asked (ec2:DescribeSecurityGroups)";
    return [{ about, severity: "note", found }];
  }
  const gone = wanted.filter((id) => !groups.has(id));
  const abroad = wanted.filter((id) => place !== undefined && groups.has(id) && groups.get(id) !== place.vpc);
  const are = (ids: readonly string[], one: string, more: string) =>
    `${ids.join(", ")} ${ids.length === 1 ? one : more}`;
  return [
    ...(gone.length === 0
      ? []
      : [{ about, severity: "blocks" as const, found: are(gone, "is not there", "are not there"), remedy }]),
    ...(abroad.length === 0
      ? []
      : [
          {
            about,
            severity: "blocks" as const,
            found: `${are(abroad, "is", "are")} of another VPC than the subnet (${place?.vpc})`,
            remedy: given ? "choose groups of that VPC" : remedy,
          },
        ]),
  ];
}

/** What has no flag, and is taken over as it is. */
function otherProperties(machine: MachineRecipe, source: string): Property[] {
  const { metadata } = machine;
  const metadataText = metadata && [
    `tokens ${metadata.tokens ?? "as the account has it"}`,
    `${metadata.hops ?? 1} ${metadata.hops === undefined || metadata.hops === 1 ? "hop" : "hops"}`,
    ...(metadata.endpoint === "disabled" ? ["off"] : []),
    ...(metadata.tags === "enabled" ? ["tags shown"] : []),
  ];
  const rows: [string, string | undefined][] = [
    ["ENA", machine.ena === undefined ? undefined : machine.ena ? "yes" : "no"],
    ["EBS-optimized", machine.ebsOptimized === undefined ? undefined : machine.ebsOptimized ? "yes" : "no"],
    ["metadata", metadataText?.join(", ")],
    ["tenancy", machine.tenancy],
    ["billing", machine.platform && `${machine.platform} (${machine.usage ?? "usage not told"})`],
    ["product codes", machine.codes?.join(" ")],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value, from: source }]));
}
