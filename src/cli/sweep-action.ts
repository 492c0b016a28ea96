import type { AuditOrder } from "../core/audit-order.ts";
import type { SweepOrder } from "../core/sweep-order.ts";

/** What the command line says of an audit; rules of retention are read by who knows their language. */
export type AuditWish = Omit<AuditOrder, "retention"> & { readonly retention?: string };

/** What is to be done for other instances. */
export type SweepAction =
  | { readonly action: "run"; readonly order: SweepOrder }
  | { readonly action: "audit"; readonly order: AuditWish };
