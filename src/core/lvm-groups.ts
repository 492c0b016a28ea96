/** A physical volume of LVM. */
export interface PhysicalVolume {
  readonly path: string;
  readonly uuid: string;
  /** Empty where it belongs to none. */
  readonly group: string;
  readonly groupUuid: string;
  /** How many disks the group lacks. */
  readonly missing: number;
}

/** Reads what `pvs --reportformat json` prints; throws a SyntaxError where that is no JSON. */
export function groupsIn(json: string): PhysicalVolume[] {
  const { report = [] } = JSON.parse(json) as { report?: { pv?: Record<string, string>[] }[] };
  return report
    .flatMap(({ pv = [] }) => pv)
    .map((one) => ({
      path: one["pv_name"] ?? "",
      uuid: one["pv_uuid"] ?? "",
      group: one["vg_name"] ?? "",
      groupUuid: one["vg_uuid"] ?? "",
      missing: Number(one["vg_missing_pv_count"] ?? 0),
    }));
}

/**
 * Puts physical volumes together by group. `torn` are paths of those that are of a group which nothing here describes;
 * `pvs` calls it, and a disk that is not here, `[unknown]`, which is no name that LVM would allow (lvm(8), "Valid
 * names").
 */
export function byGroup(volumes: readonly PhysicalVolume[]): {
  readonly groups: ReadonlyMap<string, readonly PhysicalVolume[]>;
  readonly torn: readonly string[];
} {
  const here = volumes.filter((one) => one.path.startsWith("/"));
  const groups = new Map<string, PhysicalVolume[]>();
  for (const one of here)
    if (one.group !== "" && one.group !== unknown)
      groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return { groups, torn: here.filter(({ group }) => group === unknown).map((one) => one.path) };
}

const unknown = "[unknown]";

/** A name for the clone of a group that no other group has. */
export function freeName(group: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const name = `${group}_restored${count === 1 ? "" : count}`;
    if (!taken.has(name)) return name;
  }
}
