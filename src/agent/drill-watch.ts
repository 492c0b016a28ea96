import type { ToldAge } from "../actions/tell-ages.ts";
import { drillsOf } from "../config/drill-settings.ts";
import type { ParsedFile } from "../config/parse.ts";
import type { LastSigns } from "../core/alarm-power.ts";
import type { Told } from "../core/alarm-start.ts";
import type { AlarmFacts, WatchedDrill } from "../core/alarms.ts";
import { drillPrefix } from "../core/drill.ts";
import { ageMetric, ageOfDrill, type DrillState } from "../core/drill-report.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { MetricSink } from "../core/ports.ts";
import { systemClock } from "../host/clock.ts";
import { drillStates } from "../host/drill-state.ts";
import type { StateDirectory } from "../host/state.ts";

/** The drills of the file as their alarms see them, with what this host remembers of what was told. */
export async function drillsWatched(
  file: ParsedFile,
  stateDirectory: string,
  instance: string,
): Promise<readonly { readonly drill: WatchedDrill; readonly signs: Told }[]> {
  const states = drillStates(stateDirectory, instance);
  return Promise.all(
    drillsOf(file).map(async ({ name, schedule, timezone, splay, missedAfter, of, jobs }) => {
      const state = await states.read(name);
      const known = Object.keys(state?.subjects ?? {}).length;
      const covers = Math.max(known, Math.max(1, of.length) * Math.max(1, jobs.length));
      const drill = {
        name,
        ...(schedule === undefined ? {} : { schedule }),
        timezone,
        splay,
        ...(missedAfter === undefined ? {} : { missedAfter }),
        covers,
      };
      return { drill, signs: state === undefined ? { complete: false } : drillSigns(state) };
    }),
  );
}

/** What the alarm of a drill goes by: when all that it covers was last verified, and when that was told. */
export function drillSigns(state: DrillState): LastSigns & Told {
  const now = systemClock.now();
  const age = ageOfDrill(state, now);
  const told = state.told === undefined ? undefined : new Date(state.told);
  return {
    complete: age !== undefined,
    ...(age === undefined ? {} : { captured: new Date(now.getTime() - age * 1000) }),
    ...(told === undefined ? {} : { told, at: told }),
  };
}

/** Tells the age of the last good drill between drills that run too rarely for CloudWatch to wait for them. */
export async function tellDrillAges(
  names: readonly string[],
  { instance, drills = [], metrics }: Pick<AlarmFacts, "instance" | "drills" | "metrics">,
  sink: MetricSink,
  { directory, instanceId }: Pick<StateDirectory, "directory" | "instanceId">,
): Promise<readonly ToldAge[]> {
  const states = drillStates(directory, instanceId);
  const told: ToldAge[] = [];
  for (const job of names) {
    const drill = job.slice(drillPrefix.length);
    if (!drills.some(({ name }) => name === drill)) throw noSuchDrill(drill, drills);
    try {
      const state = await states.read(drill);
      const ageSeconds = state === undefined ? undefined : ageOfDrill(state, systemClock.now());
      // Silence is what rings.
      if (state === undefined || ageSeconds === undefined) told.push({ job });
      else {
        const values = { Server: instance.id, Job: drill, Drive: "" };
        const dimensions = Object.fromEntries(metrics.dimensions.map((one) => [one, values[one]]));
        await sink.publish([ageMetric(ageSeconds)], dimensions);
        await states.write({ ...state, told: systemClock.now().toISOString() });
        told.push({ job, ageSeconds });
      }
    } catch (error) {
      told.push({ job, failure: failureOf(error, `tell the age of the last good drill of ${drill}`) });
    }
  }
  return told;
}

function noSuchDrill(name: string, drills: readonly WatchedDrill[]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `tell the age of the last good drill of ${name}`,
    found: "the configuration has no such drill",
    remedy: `its drills are ${drills.map((one) => one.name).join(", ")}`,
  });
}
