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

/** A name for the clone of a group that no other group has. */
export function freeName(group: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const name = `${group}_restored${count === 1 ? "" : count}`;
    if (!taken.has(name)) return name;
  }
}
