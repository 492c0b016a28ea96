import { measureChanges } from "../actions/measure-changes.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { unitCost } from "../core/audit-cost.ts";
import type { CostChain, SnapshotPrices, UnitCost } from "../core/audit-cost-ports.ts";
import type { RequestBudget } from "../core/request-budget.ts";

/** What the snapshots of a unit cost, by as many of their blocks as its share of the requests tells. */
export async function costOfUnit(
  { unit, connecting, connection }: OpenUnit,
  chains: readonly CostChain[],
  prices: SnapshotPrices,
  budget: RequestBudget,
  signal: AbortSignal,
): Promise<UnitCost> {
  const needed = chains.some(({ steps, instead }) =>
    [...steps, ...(instead?.steps ?? [])].some(({ closed }) => !closed),
  );
  const share = needed ? budget.share(unit.id) : 0;
  if (share === 0 || signal.aborted) {
    budget.done(unit.id, share);
    return unitCost(chains, prices, { requests: 0 });
  }
  const { blockLists } = await import("../aws/changed-blocks.ts");
  const lists = blockLists(connecting, connection.ec2.config.credentials, share);
  const measured = await measureChanges(chains, share, lists, signal);
  budget.done(unit.id, share - measured.requests);
  return unitCost(chains, prices, measured);
}
