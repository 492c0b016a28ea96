import type { SweepScope } from "./sweep-ports.ts";

/**
 * What a sweep does, in this order: what is overdue is captured before anything is removed, and other Regions, which
 * may be the ones that do not answer, come last.
 */
export const sweepParts = ["create", "prune", "alarms", "copy"] as const;
export type SweepPart = (typeof sweepParts)[number];

/** What the command line says of accounts and Regions; it wins over the file. */
export interface ScopeWish {
  readonly regions: readonly string[];
  readonly allRegions: boolean;
  /** ARNs of roles. */
  readonly roles: readonly string[];
  /** For the trust policies of these roles. */
  readonly externalId?: string;
}

/** What is wanted of a sweep. */
export interface SweepOrder {
  readonly scope: ScopeWish;
  /** These parts alone; none = all that the configuration does not switch off. */
  readonly only: readonly SweepPart[];
  /** Only show what would be done. */
  readonly dryRun: boolean;
  /** Releases the brake. */
  readonly yes: boolean;
  /** Stops instances for their captures where their tags want it, as `sweep.create.stop` does. */
  readonly stop: boolean;
}

/** The accounts and Regions of a sweep. */
export function scopeOf(wish: ScopeWish, written: SweepScope): SweepScope {
  const { regions, allRegions, roles, externalId } = wish;
  const more = externalId === undefined ? {} : { externalId };
  return {
    ...written,
    ...(allRegions ? { regions: "all" as const } : regions.length > 0 ? { regions } : {}),
    ...(roles.length > 0 ? { accounts: roles.map((arn) => ({ arn, ...more })) } : {}),
  };
}
