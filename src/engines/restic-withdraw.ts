import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import { markedBy, mayBeThere } from "../core/store-point.ts";
import type { SaveOrder } from "../core/store-ports.ts";
import { clearDead, whenUnlocked } from "./restic-locks.ts";
import { markPartial } from "./restic-marker.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { snapshotsOf } from "./restic-snapshots.ts";

/** How long is looked for what a failed save may have left. Milliseconds. */
const patience = 60_000;

/**
 * After a save that failed: looks whether there is a snapshot of it all the same, and takes it away; where that may not
 * be, marks it as not whole. Gives the error to throw, which says what could not be made sure.
 */
export async function withdraw(runner: ResticRunner, order: SaveOrder, error: unknown): Promise<unknown> {
  if (order.tags.length === 0) return error;
  // Whoever has told us to stop still wants no false point.
  const signal = AbortSignal.timeout(patience);
  const failure = failureOf(error, `save into ${runner.config.name}`);
  try {
    const left = await snapshotsOf(runner, order.tags, signal);
    const unmarked = left.filter((one) => markedBy(one) === undefined);
    for (const { id } of unmarked) await withdrawOne(runner, id, order, failure.found, signal);
    await clearDead(runner, signal).catch(() => undefined);
    return error;
  } catch (further) {
    if (failure.kind === "interrupted") return error;
    const why = sentenceOf(failureOf(further, "look for what it left"));
    return new BackupError(
      {
        ...failure,
        code: mayBeThere,
        found: `${failure.found}; and nobody could make sure that no snapshot came of it: ${why}`,
      },
      { cause: error },
    );
  }
}

async function withdrawOne(
  runner: ResticRunner,
  id: string,
  order: SaveOrder,
  found: string,
  signal: AbortSignal,
): Promise<void> {
  const mark = (): Promise<void> =>
    markPartial(runner, id, [{ path: "…", found: `its run failed: ${found}` }], order, signal);
  if (runner.config.appendOnly) return mark();
  try {
    const call = {
      doing: `forget ${id.slice(0, 8)}, of which nobody knows whether it is whole`,
      words: ["forget", id],
    };
    await whenUnlocked(runner, signal, () => runner.run(call, signal));
    const still = await snapshotsOf(runner, order.tags, signal);
    if (still.some((one) => one.id === id)) await mark();
  } catch {
    await mark();
  }
}
