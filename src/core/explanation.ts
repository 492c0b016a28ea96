import type { RecoveryPoint } from "./recovery-point.ts";

/** Everything that is known of the point that a snapshot belongs to. */
export interface Explanation {
  readonly snapshot: string;
  readonly point: RecoveryPoint;
  /** The policy in force; absent where no job of the configuration makes such points any more. */
  readonly policy?: string;
  readonly verdict: "keep" | "remove" | "postponed" | "unknown" | "elsewhere";
  readonly reasons: readonly string[];
  /** Of a copy: the Region that it is in. */
  readonly region?: string;
}
