import { readdir } from "node:fs/promises";
import path from "node:path";
import type { DrillState } from "../core/drill-report.ts";
import { readJson, replaceFile } from "./atomic-file.ts";

/** What this host remembers of its drills, one file each beside those of its jobs. */
export interface DrillStates {
  read(drill: string): Promise<DrillState | undefined>;
  write(state: DrillState): Promise<void>;
  /** All that are remembered, by name. */
  all(): Promise<readonly DrillState[]>;
}

/** `directory` is that of the state, `instanceId` this host: what another one left, as in an image, is not ours. */
export function drillStates(directory: string, instanceId: string): DrillStates {
  const own = path.join(directory, instanceId);
  const read = async (drill: string): Promise<DrillState | undefined> => {
    const found = (await readJson(path.join(own, `drill-${drill}.json`))) as Partial<DrillState> | undefined;
    const isOurs = found?.version === 1 && found.drill === drill && typeof found.subjects === "object";
    return isOurs && found.subjects !== null ? (found as DrillState) : undefined;
  };
  return {
    read,
    write: (state) => replaceFile(path.join(own, `drill-${state.drill}.json`), `${JSON.stringify(state)}\n`),
    async all() {
      const names = await readdir(own).catch(() => []);
      const drills = names.flatMap((name) => /^drill-([a-z0-9-]+)\.json$/.exec(name)?.[1] ?? []);
      return (await Promise.all(drills.sort().map(read))).flatMap((one) => one ?? []);
    },
  };
}
