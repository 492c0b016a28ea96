import type { SweepScope } from "./sweep-ports.ts";
import type { SweepCreateRules, SweepSettings } from "./sweep-settings.ts";

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

/** What the command line says of captures, above the file. */
export interface CreateWish {
  readonly all: boolean;
  readonly unattached: boolean;
  readonly filters: SweepCreateRules["filters"];
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
  /** Absent = as the file has it. */
  readonly create?: CreateWish;
  /** A file of stanzas in place of the configured one. */
  readonly stanzas?: string;
}

/**
 * The settings of the file with what the command line says beside them. Asking for more captures asks for captures;
 * what is to be stopped is added to, and nothing is taken from it.
 */
export function settingsFor(
  { create, stanzas, stop }: Pick<SweepOrder, "create" | "stanzas" | "stop">,
  written: SweepSettings,
): SweepSettings {
  const file = stanzas ?? written.stanzas;
  const { all = false, unattached = false, filters = [] } = create ?? {};
  const usual = written.create;
  return {
    ...written,
    ...(file === undefined ? {} : { stanzas: file }),
    creates: written.creates || create !== undefined,
    create: {
      ...usual,
      stop: stop || usual.stop,
      all: all || usual.all,
      unattached: unattached || usual.unattached,
      filters: filters.length > 0 ? filters : usual.filters,
    },
  };
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
