import type { AuditOrder } from "../core/audit-order.ts";
import type { FleetOrder } from "../core/fleet-report.ts";
import type { ScopeWish, SweepOrder } from "../core/sweep-order.ts";

/** What the command line says of an audit; rules of retention are read by who knows their language. */
export type AuditWish = Omit<AuditOrder, "retention" | "stanzas"> & {
  readonly retention?: string;
  /** A file of stanzas. */
  readonly stanzas?: string;
};

/** What the command line says of taking over what another tool has made. */
export interface AdoptWish {
  readonly scope: ScopeWish;
  readonly from: string;
  readonly retention?: string;
  /** Write the tags; else they are shown. */
  readonly yes: boolean;
}

/** What is to be done for other instances. */
export type SweepAction =
  | { readonly action: "run"; readonly order: SweepOrder }
  | { readonly action: "audit"; readonly order: AuditWish }
  | { readonly action: "adopt"; readonly order: AdoptWish }
  | { readonly action: "alarms"; readonly order: FleetOrder };
