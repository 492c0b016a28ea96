import path from "node:path";
import type { Clock } from "../core/ports.ts";
import { type JobTiming, unservedJobs } from "../core/timetable.ts";
import { readJson, replaceFile } from "./atomic-file.ts";

/**
 * Adds to a timetable since when its jobs have waited for their first slot, which is kept in the directory of the
 * state. Where that cannot be kept, since now: a daemon that is started again has nothing to make up for then.
 */
export async function withFirstSeen(
  directory: string,
  instance: string,
  timetable: readonly JobTiming[],
  clock: Pick<Clock, "now" | "random">,
): Promise<readonly JobTiming[]> {
  const file = path.join(directory, "unserved.json");
  const kept = await readJson(file);
  const unserved = unservedJobs(kept, instance, timetable, clock.now());
  const dates = new Map(Object.entries(unserved.firstSeen));
  const isNew = JSON.stringify(unserved) !== JSON.stringify(kept);
  // Most hosts have none, and a daemon that idles writes nothing.
  if (isNew && (dates.size > 0 || kept !== undefined)) {
    const mark = clock.random().toString(36).slice(2, 10);
    await replaceFile(file, `${JSON.stringify(unserved)}\n`, mark).catch(() => undefined);
  }
  return timetable.map((one) => {
    const firstSeen = dates.get(one.job);
    return firstSeen === undefined ? one : { ...one, firstSeen };
  });
}
