import { removeTemporary } from "../actions/temporary-volumes.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import type { Undone } from "../core/restore-result.ts";
import { restoreDisks } from "../host/restore-disks.ts";
import type { Opened } from "./open.ts";
import { restoreLock } from "./restore-lock.ts";
import { type RestoreSession, restoreSession } from "./restore-session.ts";
import type { AgentOptions } from "./wish.ts";

/** Below it drills mount; nothing else is ever mounted there. */
export function drillDirectory({ self }: Pick<AgentOptions, "self">): string {
  return `${self.runtimeDirectory}-drill`;
}

/**
 * Removes what drills and other temporary restores of this instance have left: mounts, then volumes. To be called
 * under the lock of restores, where whatever is there is a left-over.
 */
export async function clearLeftovers(
  { opened, deps, sole }: RestoreSession,
  options: Pick<AgentOptions, "self" | "log">,
  expiredOnly: boolean,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const disks = restoreDisks(`${options.self.runtimeDirectory}/restore`);
  const ours = `${drillDirectory(options)}/`;
  // With the lock held nobody else drills here, however young it is.
  for (const record of await disks.leftovers())
    if (record.where.startsWith(ours))
      await disks
        .undo(record, signal)
        .catch((error: unknown) =>
          options.log("warn", sentenceOf(failureOf(error, `unmount ${record.where}`))),
        );
  const { arn: instanceArn, id: instanceId } = opened.session.discovery.instance;
  const wish = { instanceArn, instanceId, expiredOnly: expiredOnly || !sole };
  const undone = await removeTemporary(wish, deps.clock.now(), deps, signal);
  tellLeftovers(undone, options.log);
  return undone;
}

function tellLeftovers(undone: readonly Undone[], log: Log): void {
  for (const { id, outcome, because, failure } of undone) {
    if (outcome === "removed")
      log("warn", `removed volume ${id}, which a drill or a restore had left`, { volume: id });
    if (outcome === "failed" && failure !== undefined) log("error", sentenceOf(failure), { volume: id });
    if (outcome === "left") log("info", `volume ${id} is left: ${because}`, { volume: id });
  }
}

/** For runs that have not the rights: neither those of EC2 nor, by systemd's units, those of this host. */
const byHand =
  "what a drill or a restore has left is paid for until somebody removes it who may: ec2-backup restore volumes --undo";

/**
 * What runs do where drills are configured, or a volume for a short use is attached: removes those whose time is over.
 * At its best, and never the run's concern: what fails is logged. While a restore or a drill is at work here, nothing is done.
 */
export async function removeExpired(
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    const lock = await restoreLock(options, "run");
    if ("heldBy" in lock) return;
    try {
      const quiet = { ...options, tell: () => undefined, hostZone: "UTC" };
      const session = await restoreSession(opened, opened.session.run, quiet, signal);
      const undone = await clearLeftovers(session, options, true, signal);
      if (undone.some(({ outcome }) => outcome === "failed")) options.log("warn", byHand);
    } finally {
      await lock.release();
    }
  } catch (error) {
    options.log("warn", sentenceOf(failureOf(error, "look for what drills and restores have left")));
    options.log("warn", byHand);
  }
}
