import { drillsOf } from "../config/drill-settings.ts";
import { type DrillStatus, judgeDrill } from "../core/drill-status.ts";
import { drillStates } from "../host/drill-state.ts";
import type { AgentOptions } from "./wish.ts";

/** What this host remembers of the drills that its file names. */
export async function drillsStatus(
  { loaded, stateDirectory }: Pick<AgentOptions, "loaded" | "stateDirectory">,
  instance: string,
  now: Date,
): Promise<readonly DrillStatus[]> {
  if (loaded.ok !== true) return [];
  const states = drillStates(stateDirectory, instance);
  const judged = drillsOf(loaded.file).map(async (drill) =>
    judgeDrill(drill, await states.read(drill.name), now),
  );
  return Promise.all(judged);
}
