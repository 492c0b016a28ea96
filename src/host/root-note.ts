import { unlink } from "node:fs/promises";
import path from "node:path";

/** Where an order to replace the root volume is noted before it is given. */
export function rootNote(stateDirectory: string, instance: string): string {
  return path.join(stateDirectory, instance, "root-replacement.json");
}

export async function forgetRoot(file: string): Promise<void> {
  await unlink(file).catch(() => undefined);
}
