import type { RetentionPolicy } from "./retention-policy.ts";
import type { Stanza } from "./stanzas.ts";
import type { ScopeWish } from "./sweep-order.ts";

const hour = 3_600_000;

/** What an audit goes by where nothing else is said. */
export const auditDefaults = { overdueAfter: 26 * hour, copyLag: 26 * hour };

/** Snapshots that an account may have in a Region unless AWS has given it more (Amazon EBS quotas). */
export const usualQuota = 100_000;

/** What is wanted of an audit. */
export interface AuditOrder {
  readonly scope: ScopeWish;
  /** Milliseconds that the newest backup may be old. */
  readonly overdueAfter: number;
  /** Milliseconds that the newest copy may lag behind. */
  readonly copyLag: number;
  /** Snapshots that an account may have in a Region; absent = AWS is asked. */
  readonly quota?: number;
  /** Requests for blocks that changed; absent = what the configuration says. */
  readonly requests?: number;
  /** The retention of which is asked what it would save. */
  readonly retention?: {
    readonly text: string;
    readonly rules: Pick<RetentionPolicy, "counts" | "within">;
  };
  /** What another tool's configuration asks for. */
  readonly stanzas?: readonly Stanza[];
  /** A file for the report as a page. */
  readonly html?: string;
  /** Whether the number of overdue instances becomes a metric of each account and Region. */
  readonly publish: boolean;
  /** Whether those whom the configuration names are told. */
  readonly notify: boolean;
  /** A file with the URL that is told what came of it, as JSON. */
  readonly webhookFile?: string;
}
