import type { SwapDeps } from "../actions/swap-places.ts";
import type { SwapDisks, SwapJournal } from "../core/replace-ports.ts";
import type { RestoreWish } from "../core/restore-plan.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { PickPoint } from "./restore-points.ts";
import type { RestoreOptions, RestoreSession } from "./restore-session.ts";

/** What `restore replace` is asked for. */
export interface ReplaceOrder {
  readonly query: PointQuery;
  readonly wish: RestoreWish;
  /** Stop, exchange and start another instance where EC2 does not replace its root. */
  readonly stop: boolean;
  readonly keepNew: boolean;
  /** Only the plan. */
  readonly planned: boolean;
  /** Asked where no point is named. */
  readonly pick?: PickPoint;
}

/** What the parts of a replacement have in common. */
export interface Stage {
  readonly session: RestoreSession;
  readonly deps: SwapDeps;
  readonly options: RestoreOptions;
  readonly host: { readonly disks: SwapDisks; readonly journal: SwapJournal };
}
