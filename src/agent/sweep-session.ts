import { eachUnit } from "../actions/each-unit.ts";
import { type ConnectionOptions, connect } from "../aws/connection.ts";
import { type OpenedUnits, type Opening, type OpenUnit, openUnits } from "../aws/sweep-units.ts";
import { sweepSettingsOf } from "../config/sweep-settings.ts";
import { BackupError } from "../core/errors.ts";
import { firstToAnswer } from "../core/first-to-answer.ts";
import { type ScopeWish, scopeOf } from "../core/sweep-order.ts";
import { outcomeOf, type SweepScope, type SweepUnit, type UnitReport } from "../core/sweep-ports.ts";
import type { SweepSettings } from "../core/sweep-settings.ts";
import { systemClock } from "../host/clock.ts";
import { pageRead, spareMemory } from "../host/spare-memory.ts";
import { inForce } from "./in-force.ts";
import { requestTimeout } from "./open.ts";
import { routeOf } from "./route.ts";
import { newRunId } from "./session.ts";
import { faultyConfiguration } from "./unusable-wish.ts";
import type { AgentOptions } from "./wish.ts";

/** The accounts and Regions of a sweep, opened, with what the file says of sweeps. */
export interface SweepSession {
  readonly run: string;
  readonly settings: SweepSettings;
  readonly scope: SweepScope;
  readonly units: OpenedUnits;
  /** When all must be over, by the clock of this host; absent where nobody waits. */
  readonly until?: number;
}

/** The instant in so many milliseconds, as the clock counts that `until` is looked at by. */
export function instantIn(ms: number): number {
  return systemClock.elapsed() + ms;
}

/**
 * Opens what the command line and the configuration name. It needs no instance: where credentials and a Region are
 * given, the metadata service is not asked.
 */
export async function openSweep(
  wish: ScopeWish,
  options: Pick<AgentOptions, "loaded" | "self" | "version"> & Pick<SweepSession, "until">,
  signal: AbortSignal,
): Promise<SweepSession> {
  spareMemory();
  const { loaded, self, version, until } = options;
  if (loaded.ok === false) throw faultyConfiguration(inForce({ loaded, tags: {}, flags: {} }).problems);
  const settings = sweepSettingsOf(loaded.ok === true ? loaded.file : undefined);
  const scope = scopeOf(wish, settings.scope);
  const run = newRunId();
  const timeout = requestTimeout(loaded);
  const connecting = {
    requestTimeout: timeout,
    route: routeOf(self.env),
    pageRead,
    userAgent: [
      ["ec2-backup-agent", version],
      ["sweep", run],
    ] as const,
  };
  const named = scope.regions === "all" ? [] : scope.regions;
  const session = `ec2-backup-sweep-${run.slice(-12)}`;
  const home = await homeOf(named, connecting, signal);
  const units = await openUnits(scope, { connecting, session, ...home }, signal);
  return { run, settings, scope, units, ...(until === undefined ? {} : { until }) };
}

/** How far a sweep is: what a unit is at, or that it has ended, without `what`. */
export type SweepTold = (told: {
  readonly ended: number;
  readonly units: number;
  readonly unit?: SweepUnit;
  readonly what?: string;
  /** How much of that unit is done, from 0 to 1, as far as that is known. */
  readonly share?: number;
}) => void;

/** Tells how far all units are, as each says what it is at and ends. */
export function unitsTold({ units: { open, lost } }: SweepSession, tell: SweepTold) {
  const units = open.length + lost.length;
  let ended = 0;
  return {
    at:
      (unit: SweepUnit) =>
      (what: string, share = 0): void =>
        tell({ ended, units, unit, what, share }),
    ended: ({ unit }: { readonly unit: SweepUnit }): void => {
      ended += 1;
      tell({ ended, units, unit, share: 1 });
    },
  };
}

/** Does the work in each unit; accounts that could not be entered are reported beside them. */
export async function inEachUnit<T>(
  { units, scope, until }: SweepSession,
  work: (place: OpenUnit, signal: AbortSignal, until: number) => Promise<T>,
  signal: AbortSignal,
  ended?: (report: UnitReport<T>) => void,
): Promise<readonly UnitReport<T>[]> {
  const lost = units.lost.map(
    ({ unit, failure }): UnitReport<T> => ({ unit, failure, ms: 0, outcome: outcomeOf(failure.kind) }),
  );
  for (const report of lost) ended?.(report);
  const limits = until === undefined ? scope : { ...scope, until };
  return [...(await eachUnit(units.open, limits, systemClock, work, signal, ended)), ...lost];
}

/**
 * Where what is of no Region is asked, such as whose credentials these are. Of several Regions it is one that answers:
 * the first one may be the very one that is disabled or in trouble.
 */
async function homeOf(
  named: readonly string[],
  connecting: Omit<ConnectionOptions, "region">,
  signal: AbortSignal,
): Promise<Pick<Opening, "home" | "own">> {
  const { requestTimeout: timeout } = connecting;
  const [home = await ownRegion(timeout, signal), ...others] = named;
  if (others.length === 0) return { home, own: ownAccount(timeout, signal) };
  const waiting = { patience: Math.min(timeout, 5_000), sleep: systemClock.sleep };
  const first = await firstToAnswer(
    named,
    (region, stop) => {
      const there = { ...connecting, region };
      return ownAccount(timeout, stop)(connect(there), there);
    },
    waiting,
    signal,
  );
  return { home: first.place, own: async () => first.answer };
}

/** That of the environment, else that of the instance. */
async function ownRegion(timeout: number, signal: AbortSignal): Promise<string> {
  const { regionFor } = await import("../aws/default-region.ts");
  try {
    return await regionFor(undefined);
  } catch (error) {
    return (await identity(timeout, signal))?.region ?? thrown(error);
  }
}

/** STS tells it to anybody; an instance that cannot reach STS knows it from its metadata. */
function ownAccount(timeout: number, signal: AbortSignal): Parameters<typeof openUnits>[1]["own"] {
  return async ({ ec2 }, connecting) => {
    const { callerAccount } = await import("../aws/sweep-caller.ts");
    try {
      return await callerAccount(connecting, ec2.config.credentials, signal);
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== "unreachable") throw error;
      return (await identity(timeout, signal))?.account ?? thrown(error);
    }
  };
}

async function identity(timeout: number, signal: AbortSignal) {
  const { readIdentity } = await import("../aws/metadata.ts");
  return readIdentity(Math.min(timeout, 2_000), signal).catch(() => undefined);
}

function thrown(error: unknown): never {
  throw error;
}
