import type { SweepOrder } from "../core/sweep-order.ts";

/** What is to be done for other instances. */
export type SweepAction = { readonly action: "run"; readonly order: SweepOrder };
