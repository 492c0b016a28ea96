import { messageOf, textIn } from "./restic-messages.ts";
import type { ResticRunner } from "./restic-runner.ts";

/** Paths of files whose content differs between two snapshots. Takes no lock: what kept snapshots need stays. */
export async function changedFiles(
  runner: ResticRunner,
  one: string,
  other: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const doing = `compare ${one.slice(0, 8)} with ${other.slice(0, 8)}`;
  const words = ["diff", "--json", "--no-lock", "--", one, other];
  const paths: string[] = [];
  for await (const line of runner.lines({ doing, words }, signal)) {
    const message = messageOf(line);
    const path = message?.["message_type"] === "change" ? textIn(message, "path") : undefined;
    // Other letters may stand beside it.
    if (path !== undefined && textIn(message ?? {}, "modifier")?.includes("M") === true) paths.push(path);
  }
  return paths;
}
