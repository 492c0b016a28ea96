import { type SweepStopsDeps, stopsOf } from "../actions/sweep-stops.ts";
import { mayBeStopped } from "../config/backup-stop-tag.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { StopsSwept } from "../core/sweep-report.ts";
import { systemClock } from "../host/clock.ts";
import { ownInstance } from "../host/own-instance.ts";
import { type PartGround, waitsOf } from "./sweep-parts.ts";

/** What stopping and starting needs of a unit. */
export async function stopsDeps(ground: PartGround): Promise<SweepStopsDeps> {
  const { place, run, settings, options, until } = ground;
  const { stop, stopFor, startFor } = settings.create;
  const { sweepPower } = await import("../aws/sweep-power.ts");
  const { ebsEngine } = await import("../engines/ebs.ts");
  const poll = waitsOf(options).reconcileEvery;
  let asked: Promise<string | undefined> | undefined;
  return {
    power: sweepPower(place.connection),
    engine: ebsEngine(place.connection, options.version),
    run,
    clock: systemClock,
    log: options.log,
    waits: { stopFor, startFor, poll, settle: poll * 2.5 },
    enabled: stop,
    wanted: ({ state, tags }) => stop && state === "running" && mayBeStopped(tags),
    left: () => until - systemClock.elapsed(),
    self: () => {
      asked ??= self();
      return asked;
    },
  };
}

const patience = 2_000;

/** A sweep that stopped its own host would never start it again. */
async function self(): Promise<string | undefined> {
  const { readIdentity } = await import("../aws/metadata.ts");
  const told = await readIdentity(patience, AbortSignal.timeout(2 * patience)).catch(() => undefined);
  return told?.instanceId ?? ownInstance();
}

/** Looks after instances that sweeps have stopped, where none are captured. */
export async function resumeStops(
  ground: PartGround,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<{ readonly stops?: StopsSwept; readonly problems: readonly Problem[] }> {
  const instances = await ground.ec2.instances(signal);
  const { swept, failures } = await stopsOf(instances, await stopsDeps(ground), dryRun, signal);
  const problems = failures.map((failure) => problemOf("error", failure));
  return { ...(swept && { stops: swept }), problems };
}
