import { unlink } from "node:fs/promises";
import path from "node:path";
import type { SwapJournal, SwapNote } from "../core/replace-ports.ts";
import { readJson, replaceFile } from "./atomic-file.ts";

/** One file a swap, in the state directory; one that is damaged or of another instance counts as none. */
export function swapJournal(stateDirectory: string, instanceId: string): SwapJournal {
  const fileOf = (id: string): string => path.join(stateDirectory, instanceId, `swap-${id}.json`);
  return {
    async read(id) {
      const found = (await readJson(fileOf(id))) as Partial<SwapNote> | null | undefined;
      const ours = found?.id === id && found.instance === instanceId && Array.isArray(found.mounts);
      return ours ? (found as SwapNote) : undefined;
    },
    write: (note) => replaceFile(fileOf(note.id), `${JSON.stringify(note)}\n`),
    async remove(id) {
      await unlink(fileOf(id)).catch(() => undefined);
    },
  };
}
