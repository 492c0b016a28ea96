import {
  formatNotice,
  groupNotice,
  type Notice,
  spotNotice,
  type TerminationWatch,
} from "../core/termination.ts";
import { Ending, type EndingDeps } from "../daemon/ending.ts";
import type { RunningJob } from "../daemon/running.ts";
import { metadataPaths } from "../host/metadata-paths.ts";

/** The longest that one request to the metadata may take, in milliseconds: it answers within a few. */
const patience = 2_000;

/** Wires what watches for this instance's end to the metadata service and to processes of their own. */
export function endingOf(
  house: Omit<EndingDeps, "askerOf" | "startLast">,
  start: (words: readonly string[]) => RunningJob,
): Ending {
  return new Ending({
    ...house,
    askerOf,
    startLast: (notice, within) =>
      start(["run", "--last", "--notice", formatNotice(notice), "--within", `${Math.floor(within)}ms`]),
  });
}

/** What asks for a notice. One that spot gives goes before that of the group, since it tells the time. */
export function askerOf({ endpoint, sources }: TerminationWatch) {
  const metadata = metadataPaths(endpoint, patience);
  return async (signal: AbortSignal): Promise<Notice | undefined> => {
    if (sources.includes("spot")) {
      const text = await metadata.read("spot/instance-action", signal);
      if (text !== undefined) return spotNotice(text);
    }
    if (!sources.includes("autoscaling")) return undefined;
    const state = await metadata.read("autoscaling/target-lifecycle-state", signal);
    return state === undefined ? undefined : groupNotice(state);
  };
}
