import type { World } from "../world.ts";

/** A quota and its default. */
export interface Quota {
  code: string;
  name: string;
  value: number;
  adjustable: boolean;
}

/** The number of snapshots in a Region. */
export const snapshotsPerRegion = "L-309BACF6";

/** Those of EBS that concern snapshots and volumes (EBS quotas, and Service Quotas as its users list it). */
export const ebsQuotas: readonly Quota[] = [
  { code: snapshotsPerRegion, name: "Snapshots per Region", value: 100_000, adjustable: true },
  { code: "L-E20676C1", name: "Archived snapshots per volume", value: 25, adjustable: true },
  { code: "L-3A0E616D", name: "In-progress snapshot archives per account", value: 25, adjustable: true },
  {
    code: "L-07399329",
    name: "In-progress snapshot restores from archive per account",
    value: 5,
    adjustable: true,
  },
  { code: "L-631ECBD3", name: "Fast snapshot restore", value: 5, adjustable: true },
  {
    code: "L-7A658B76",
    name: "Storage for General Purpose SSD (gp3) volumes, in TiB",
    value: 50,
    adjustable: true,
  },
  {
    code: "L-D18FCD1D",
    name: "Storage for General Purpose SSD (gp2) volumes, in TiB",
    value: 50,
    adjustable: true,
  },
  { code: "L-C125AE42", name: "GetSnapshotBlock requests per account", value: 1_000, adjustable: false },
];

/** What a quota is in a place. */
export function quotaIn({ settings }: World, code: string): number {
  const usual = ebsQuotas.find((quota) => quota.code === code)?.value;
  return settings.quotas[code] ?? usual ?? Number.POSITIVE_INFINITY;
}
