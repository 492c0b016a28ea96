import { BackupError, type Failure, failureOf, sentenceOf } from "../core/errors.ts";
import { type RestorePlan, restoreTags, temporarily } from "../core/restore-plan.ts";
import type { RestoredVolume, Undone } from "../core/restore-result.ts";
import { bringVolumes, disksOf, nothingBrought } from "./bring-volumes.ts";
import { goneAway } from "./restore-create.ts";
import { answered, never, type RestoreDeps, stopped, withoutHaste } from "./restore-deps.ts";
import { undoOne, undoRestore } from "./undo-restore.ts";

/** What volumes are made for a short use. */
export interface TemporaryOrder {
  /** With a label that no other invocation uses: what a killed one has left is removed and never continued. */
  readonly plan: RestorePlan;
  /** Milliseconds for which the volumes may be needed: so long nobody takes them for left-overs. */
  readonly lifetime: number;
}

/**
 * Makes volumes, attaches them here, has something done with their disks (block device path -> the captured volume)
 * and always releases, detaches and deletes them, also when told to stop. The first failure is thrown; a volume that
 * could not be removed is told in it, or thrown as `TemporaryLeft` after a success. To be called by one process of a
 * host at a time, under the lock of restores.
 */
export async function withTemporaryVolumes<T>(
  order: TemporaryOrder,
  deps: RestoreDeps,
  signal: AbortSignal,
  use: (disks: ReadonlyMap<string, string>) => Promise<T>,
): Promise<T> {
  const until = new Date(deps.clock.now().getTime() + order.lifetime);
  const plan = temporarily(order.plan, until);
  const work = nothingBrought(plan);
  let outcome: { readonly value: T } | { readonly error: unknown };
  try {
    await bringVolumes(plan, [], work, withoutHaste(deps), signal);
    outcome = { value: await use(disksOf(work)) };
  } catch (error) {
    const doing = `use a copy of point ${plan.point.id}`;
    outcome = { error: signal.aborted && !(error instanceof BackupError) ? stopped(doing) : error };
  }
  const code = "error" in outcome && outcome.error instanceof BackupError ? outcome.error.code : undefined;
  const left = await removeAll(plan, work.volumes, code === goneAway, deps);
  if ("error" in outcome) {
    // A defect keeps its stack.
    if (left.length === 0) throw outcome.error;
    throw withLeft(failureOf(outcome.error, `use a copy of point ${plan.point.id}`), left);
  }
  if (left.length > 0)
    throw withLeft({ kind: "refused", doing: "clean up", found: "all else is done" }, left, "TemporaryLeft");
  return outcome.value;
}

/** Removes what temporary restores for this instance have left, and nothing else. To be called under the same lock. */
export function removeTemporary(
  wish: { readonly instanceArn: string; readonly instanceId: string; readonly expiredOnly?: boolean },
  now: Date,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const { instanceArn, instanceId, expiredOnly } = wish;
  const temporary = expiredOnly === true ? now : "all";
  return undoRestore({ instanceArn, instanceId, temporary }, true, deps, signal);
}

/** Sentences on what could not be removed. Never cut short; all its waits have limits. */
async function removeAll(
  plan: RestorePlan,
  known: readonly RestoredVolume[],
  vanished: boolean,
  deps: RestoreDeps,
): Promise<readonly string[]> {
  const { id: instanceId, arn: instanceArn } = plan.instance;
  const wish = { instanceArn, instanceId, restore: plan.id, temporary: "all" } as const;
  const left: string[] = [];
  // Also what a request made whose answer was lost; a volume that EC2 does not show by its tags yet is known by its id.
  const tagged = await answered("look for what is to be removed", deps, never, () =>
    deps.volumes.tagged(restoreTags.restore, plan.id, never),
  ).catch((error: unknown) => {
    left.push(sentenceOf(failureOf(error, "look for what is to be removed")));
    return [];
  });
  const gone = new Set(tagged.filter(({ state }) => /^delet/.test(state)).map(({ id }) => id));
  const made = known.flatMap(({ id }) => id ?? []);
  // What was attached has been seen, and so has what is listed, or has gone away by itself.
  const seen = new Set(tagged.map(({ id }) => id));
  for (const { id, step } of known) if (id !== undefined && (vanished || step !== "created")) seen.add(id);
  const ids = [...new Set([...made, ...tagged.map(({ id }) => id)])].filter((id) => !gone.has(id));
  for (const [index, id] of ids.entries()) {
    deps.progress({ percent: (index / ids.length) * 100, doing: `removing ${id}` });
    let undone = await undoOne({ id }, wish, deps, never, !seen.has(id));
    // An attachment that was asked for and not answered may have come only now.
    if (undone.outcome === "failed" && !isFinal(undone.failure?.code))
      undone = await undoOne({ id }, wish, deps, never);
    const { outcome, because, failure } = undone;
    if (outcome === "removed") continue;
    left.push(`${id} is left: ${failure === undefined ? (because ?? outcome) : sentenceOf(failure)}`);
  }
  for (const sentence of left) deps.log("error", sentence);
  return left;
}

/** What took its full time need not be tried once more. */
function isFinal(code: string | undefined): boolean {
  return code === "TimeUp" || code === "NotShown";
}

function withLeft(failure: Failure, left: readonly string[], code?: string): BackupError {
  const { kind, doing, found, remedy } = failure;
  const next = "the next `ec2-backup restore file`, `ls` or `cat` here removes it";
  const more = `; and ${left.join("; ")}; ${next}`;
  const which = code ?? failure.code;
  return new BackupError({
    kind,
    doing,
    found: `${found}${more}`,
    ...(remedy === undefined ? {} : { remedy }),
    ...(which === undefined ? {} : { code: which }),
  });
}
