import type { Cost, InstanceCost, SavedCost, VolumeCost } from "../core/audit-cost-ports.ts";
import type { AuditCost, AuditReport } from "../core/audit-report.ts";
import { counted } from "../core/counted.ts";
import { table } from "./terminal.ts";

/** Of the dearest volumes a person reads so many. */
const mostRows = 10;

/** "$1.20", "at most $1.20". */
export function dollarWords({ dollars, certainty }: Pick<Cost, "dollars" | "certainty">): string {
  const sum = `$${dollars.toFixed(2)}`;
  return certainty === "measured"
    ? sum
    : certainty === "at most"
      ? `at most ${sum}`
      : `unknown (${sum} of what is known)`;
}

/** What all snapshots cost, and how well that is known; empty where there are none. */
export function costWords({ cost }: Pick<AuditReport, "cost">): string {
  if (cost.snapshots === 0) return "";
  const { snapshots, gib, archiveGiB, prices, requests, budget, unmeasured } = cost;
  const archived = archiveGiB === 0 ? "" : `, ${archiveGiB} GiB archived at $${prices.archive}`;
  const parts = `${gib} GiB at $${prices.standard}${archived}, prices of ${prices.asOf}`;
  return `${counted(snapshots, "snapshot")} cost ${dollarWords(cost)} a month (${parts}). ${sureness(unmeasured, snapshots)}${spent(requests, budget)}.`;
}

function sureness(unmeasured: number, snapshots: number): string {
  if (unmeasured === 0) return "All were measured";
  return `${Math.min(unmeasured, snapshots)} of them count with all that they could store`;
}

function spent(requests: number, budget: number): string {
  return budget === 0 ? ": no block was asked for" : `, after ${requests} of ${counted(budget, "request")}`;
}

/** What another retention would save a month, in words. */
export function savedWords(saved: Partial<SavedCost>): string {
  const { gib, archiveGiB = 0, dollars, certainty } = saved;
  if (gib === undefined || dollars === undefined || certainty === undefined) return "";
  return ` That saves ${dollarWords({ dollars, certainty })} a month (${Math.round((gib + archiveGiB) * 100) / 100} GiB).`;
}

export function nameOf(one: VolumeCost | InstanceCost): string {
  return "volume" in one ? one.volume : one.instance;
}

/** The dearest volumes and instances; an id, another one and a sum fit 80 columns. */
export function costLines({ cost }: { readonly cost: AuditCost }, width: number): string[] {
  if (cost.snapshots === 0) return [];
  const row = (one: VolumeCost | InstanceCost): string[] => [
    nameOf(one),
    one.instance !== undefined && "volume" in one ? one.instance : "",
    String(one.snapshots),
    String(Math.round((one.gib + one.archiveGiB) * 100) / 100),
    dollarWords(one),
  ];
  const volumes = cost.volumes.slice(0, mostRows).map(row);
  const instances = cost.instances.slice(0, mostRows).map((one) => {
    const [name = "", , ...rest] = row(one);
    return [name, ...rest];
  });
  return [
    ...table(["VOLUME", "INSTANCE", "COUNT", "GIB", "A MONTH"], volumes, width),
    ...(instances.length === 0
      ? []
      : ["", ...table(["INSTANCE", "COUNT", "GIB", "A MONTH"], instances, width)]),
  ];
}
