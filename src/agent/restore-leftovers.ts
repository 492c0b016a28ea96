import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { removeTemporary } from "../actions/temporary-volumes.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Undone } from "../core/restore-result.ts";
import type { RestoreSession } from "./restore-session.ts";

/**
 * Lets go of what a killed process has left of copies that it looked into: its mounts by their records, then the
 * volumes by their tag, and nothing else. To be called under the lock of restores; where that does not keep everybody
 * away, only what is past its time is a left-over.
 */
export async function removeLeftovers(
  { opened, deps, mounts, scratch, sole }: RestoreSession,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const { arn, id } = opened.session.discovery.instance;
  for (const record of await mounts.leftovers()) {
    // What `restore volumes --mount` has mounted is no left-over.
    if (!record.where.startsWith(`${scratch}/`)) continue;
    await mounts.undo(record, signal).catch((error: unknown) => {
      deps.log("warn", sentenceOf(failureOf(error, `unmount what was left at ${record.where}`)));
    });
  }
  await clearScratch(scratch);
  const wish = { instanceArn: arn, instanceId: id, expiredOnly: !sole };
  const removed = await removeTemporary(wish, deps.clock.now(), deps, signal);
  for (const { id: volume, outcome, because, failure } of removed) {
    if (outcome === "removed") deps.log("info", `removed ${volume}, a left-over`, { volume });
    else {
      const why = failure === undefined ? (because ?? outcome) : sentenceOf(failure);
      deps.log("warn", `${volume}, a left-over, stays: ${why}`, { volume });
    }
  }
  return removed;
}

/** Takes empty directories away below ours, and nothing else: what is mounted or holds anything stays. */
export async function clearScratch(scratch: string): Promise<void> {
  for (const run of await readdir(scratch).catch(() => [])) {
    const at = path.join(scratch, run);
    for (const one of await readdir(at).catch(() => []))
      await rmdir(path.join(at, one)).catch(() => undefined);
    await rmdir(at).catch(() => undefined);
  }
  await rmdir(scratch).catch(() => undefined);
}
