import { drillsOf } from "../config/drill-settings.ts";
import type { ParsedFile } from "../config/parse.ts";
import { drillPrefix } from "../core/drill.ts";
import type { JobTiming } from "../core/timetable.ts";
import { drillStates } from "../host/drill-state.ts";

/** The drills as the daemon is to run them, under names that no job has. */
export async function drillTimetable(
  file: ParsedFile,
  stateDirectory: string,
  instance: string,
): Promise<JobTiming[]> {
  const states = drillStates(stateDirectory, instance);
  const timed = drillsOf(file).flatMap(({ schedule, ...drill }) =>
    schedule === undefined ? [] : [{ ...drill, schedule }],
  );
  return Promise.all(
    timed.map(async ({ name, schedule, timezone, splay }) => {
      const lastSlot = (await states.read(name))?.lastSlot;
      return { job: `${drillPrefix}${name}`, schedule, timezone, splay, ...(lastSlot && { lastSlot }) };
    }),
  );
}
