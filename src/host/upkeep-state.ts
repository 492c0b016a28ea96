import path from "node:path";
import type { UpkeepState } from "../core/upkeep.ts";
import { readJson, replaceFile } from "./atomic-file.ts";

/** What this host remembers of its repositories, one file each beside those of its jobs. */
export interface UpkeepStates {
  read(repository: string): Promise<UpkeepState | undefined>;
  write(state: UpkeepState): Promise<void>;
}

/** `directory` is that of the state, `host` this host's id or name. What is damaged counts as not remembered. */
export function upkeepStates(directory: string, host: string): UpkeepStates {
  const own = /^i-[0-9a-f]+$/.test(host) ? host : `host-${host}`;
  const fileOf = (repository: string) => path.join(directory, own, `repository-${repository}.json`);
  return {
    async read(repository) {
      const found = (await readJson(fileOf(repository))) as Partial<UpkeepState> | null | undefined;
      const isOurs = found?.version === 1 && found.repository === repository;
      return isOurs ? (found as UpkeepState) : undefined;
    },
    write: (state) => replaceFile(fileOf(state.repository), `${JSON.stringify(state)}\n`),
  };
}
