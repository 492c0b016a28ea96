import { repositoriesOf } from "../config/repositories.ts";
import { resolve } from "../config/resolve.ts";
import type { JobTiming } from "../core/timetable.ts";
import { timetableName, type UpkeepKind } from "../core/upkeep-names.ts";
import { upkeepStates } from "../host/upkeep-state.ts";
import type { AgentOptions } from "./wish.ts";

/** The upkeep of repositories as the daemon is to run it, under names that no job has. `host`: its id or name. */
export async function upkeepTimetable(
  { loaded, stateDirectory }: Pick<AgentOptions, "loaded" | "stateDirectory">,
  host: string,
): Promise<JobTiming[]> {
  const states = upkeepStates(stateDirectory, host);
  if (loaded.ok !== true) return [];
  const { settings } = resolve({ tags: {}, file: loaded.file });
  const timed = repositoriesOf(settings).flatMap((one) => {
    const schedules: readonly [UpkeepKind, string | undefined][] = [
      ["check", one.check?.schedule],
      ["prune", one.prune?.schedule],
      ["mirror", one.mirror?.schedule],
    ];
    return schedules.flatMap(([kind, schedule]) =>
      schedule === undefined ? [] : [{ ...one, kind, schedule }],
    );
  });
  return Promise.all(
    timed.map(async ({ name, kind, schedule, timezone = "UTC" }) => {
      const lastSlot = (await states.read(name))?.[kind]?.lastSlot;
      const job = timetableName(name, kind);
      return { job, schedule, timezone, splay: 0, ...(lastSlot && { lastSlot }) };
    }),
  );
}
