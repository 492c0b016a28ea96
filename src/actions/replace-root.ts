import { BackupError, failureOf } from "../core/errors.ts";
import type { RootTask, Target } from "../core/replace-ports.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import {
  backupTag,
  placeText,
  type RootMark,
  replaceTags,
  rootMarkIn,
  rootMarkText,
} from "../core/replace-tags.ts";
import { restoreTags } from "../core/restore-plan.ts";
import { judgeRoot, type RootVerdict } from "../core/root-verdict.ts";
import { answered, until } from "./restore-deps.ts";
import { refused, type SwapDeps } from "./swap-places.ts";

/** An order to EC2 to replace a root volume. */
export interface RootOrder {
  /** The plan's. */
  readonly id: string;
  readonly point: string;
  readonly snapshot: string;
  /** Whether it is wanted once more though the root volume is of that snapshot. */
  readonly again: boolean;
  readonly target: Target;
  /** Whether it is the root of this host, which is rebooted then. */
  readonly own: boolean;
  /** Milliseconds to wait for the task of another instance. */
  readonly patience: number;
  /** Remembers the order on this host; the tag of the instance decides. */
  readonly remember: (mark: RootMark) => Promise<void>;
}

/**
 * Gives the order, once. It is told in the instance's tag before: a repeated command finds it there and asks EC2 with
 * the same token, which EC2 answers with the same task. Never throws.
 */
export async function replaceRoot(
  order: RootOrder,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const { target, own, id } = order;
  const { instance } = target;
  const old = target.volumes.find(({ root }) => root)?.id ?? "";
  const base = { id, volumes: [{ old, device: instance.rootDevice }], mounted: [], notes: [] as string[] };
  let ordered = false;
  const time = serviceTime(order, deps);
  try {
    const found = rootMarkIn(instance.tags);
    if (found === "unreadable" || found?.by === "stop" || (found && found.snapshot !== order.snapshot))
      throw refused(
        `replace the root of ${instance.id}`,
        "another replacement of it is not confirmed",
        `finish that one first: its point is in the tag ${replaceTags.root}`,
      );
    const settled =
      found === undefined ? undefined : await settledBefore(order, found, old, time, deps, signal);
    if (settled !== undefined) return { ...base, ...settled };
    if (found === undefined && (await isOfSnapshot(order, old, deps, signal)))
      return { ...base, outcome: "was-done", notes: [`${old} was made of ${order.snapshot}`] };
    const mark = found ?? (await begin(order, old, time, deps, signal));
    ordered = true;
    if (own) deps.log("warn", "EC2 is told to replace the root volume now: this host will be rebooted");
    const task = await ordering(order, mark, deps, () => (ordered = false), signal);
    deps.log("info", `EC2's task ${task.id} is ${task.state}`);
    if (own) return { ...base, outcome: "rebooting", task: task.id };
    const verdict = await concluded(order, mark, time, deps, signal);
    const { volumes } = await deps.swap.target(instance.id, signal);
    const root = volumes.find((one) => one.root)?.id;
    const place = { id: instance.id, device: instance.rootDevice, root };
    const notes = await settleRoot(verdict, mark, place, deps, signal);
    const { failure } = verdict;
    if (failure !== undefined)
      return {
        ...base,
        outcome: verdict.outcome === "kept" ? "rolled-back" : "failed",
        task: task.id,
        failure,
        notes,
      };
    return { ...base, outcome: "done", task: task.id, notes };
  } catch (error) {
    const failure = failureOf(error, `replace the root of ${instance.id}`);
    return { ...base, outcome: ordered ? "unfinished" : "not-begun", failure };
  }
}

/** EC2's clock, by which the order is judged later; ours may be days ahead. */
function serviceTime({ target }: RootOrder, { clock }: SwapDeps): () => Date {
  const start = (target.asOf ?? clock.now()).getTime() - clock.elapsed();
  return () => new Date(start + clock.elapsed());
}

/** What an order that was given before has come to; absent while that is open. */
async function settledBefore(
  { target }: RootOrder,
  mark: RootMark,
  root: string,
  time: () => Date,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<Pick<ReplaceResult, "outcome" | "notes" | "failure"> | undefined> {
  const { id, rootDevice: device } = target.instance;
  const doing = `look for the replacement of the root of ${id}`;
  const tasks = await answered(doing, deps, signal, () => deps.swap.rootTasks(id, signal));
  const verdict = judgeRoot(mark, tasks, { instance: id, root, now: time() });
  if (verdict.outcome === "waiting") return undefined;
  const notes = await settleRoot(verdict, mark, { id, device, root }, deps, signal);
  const { failure } = verdict;
  return failure === undefined ? { outcome: "was-done", notes } : { outcome: "failed", failure, notes };
}

/** The same words again, after the reboot, must not order it again. */
async function isOfSnapshot(
  { id, snapshot, again }: RootOrder,
  root: string,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const [volume] = await answered(`look at ${root}`, deps, signal, () =>
    deps.volumes.describe([root], signal),
  );
  return volume?.tags[replaceTags.rootOf] === id || (!again && volume?.snapshot === snapshot);
}

async function begin(
  order: RootOrder,
  old: string,
  time: () => Date,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<RootMark> {
  const { id, point, snapshot, target } = order;
  const { instance } = target;
  const on = { instance: instance.id, volume: old, device: instance.rootDevice, snapshot };
  await deps.swap.rehearse(["tag", "untag", "task"], on, signal);
  const busy = (await deps.swap.rootTasks(instance.id, signal)).find(({ state }) => isUnderWay(state));
  if (busy !== undefined)
    throw refused(
      `replace the root of ${instance.id}`,
      `EC2's task ${busy.id} is ${busy.state}`,
      "wait for it",
    );
  const at = time();
  const token = `root-${deps.digest([id, at.toISOString()].join("\n")).slice(0, 32)}`;
  const mark: RootMark = { by: "task", id: token, plan: id, point, old, snapshot, at };
  await order.remember(mark);
  await answered(`mark ${instance.id}`, deps, signal, () =>
    deps.swap.tag([instance.id], { [replaceTags.root]: rootMarkText(mark) }, signal),
  );
  return mark;
}

/** A refusal means that there is no task: the mark goes, unless that cannot be told. */
async function ordering(
  { target, snapshot }: RootOrder,
  mark: RootMark,
  deps: SwapDeps,
  never: () => void,
  signal: AbortSignal,
): Promise<RootTask> {
  const { id } = target.instance;
  const tags = { [restoreTags.restore]: mark.id, [restoreTags.point]: mark.point };
  try {
    return await answered(`replace the root of ${id}`, deps, signal, () =>
      deps.swap.orderRoot({ instance: id, snapshot, token: mark.id, tags }, signal),
    );
  } catch (error) {
    if (error instanceof BackupError && (error.kind === "refused" || error.kind === "denied")) {
      const tasks = await deps.swap.rootTasks(id, signal).catch(() => undefined);
      const mine = tasks?.find((one) => one.tags[restoreTags.restore] === mark.id);
      if (mine !== undefined) return mine;
      if (tasks !== undefined)
        await deps.swap.untag([id], [replaceTags.root], signal).then(never, () => undefined);
    }
    throw error;
  }
}

async function concluded(
  { target, patience }: RootOrder,
  mark: RootMark,
  time: () => Date,
  deps: SwapDeps,
  signal: AbortSignal,
): Promise<RootVerdict> {
  const { id } = target.instance;
  return until(`wait for EC2 to replace the root of ${id}`, patience, deps, signal, async (elapsed) => {
    const tasks = await deps.swap.rootTasks(id, signal);
    const verdict = judgeRoot(mark, tasks, { instance: id, root: mark.old, now: time() });
    deps.progress({
      percent: Math.min(95, (elapsed / patience) * 100),
      doing: `EC2's task is ${verdict.task?.state ?? "not seen yet"}`,
    });
    return verdict.outcome === "waiting" ? undefined : verdict;
  });
}

function isUnderWay(state: string): boolean {
  return ["pending", "in-progress", "failing", "failing-detached"].includes(state);
}

/**
 * Takes the mark from the instance once the outcome is known, and marks the old root volume. What cannot be marked is
 * told and no failure: the outcome stands.
 */
export async function settleRoot(
  verdict: RootVerdict,
  mark: RootMark,
  there: { readonly id: string; readonly device: string; readonly root: string | undefined },
  deps: Pick<SwapDeps, "swap" | "clock" | "waits" | "volumes">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { id: instance, device, root } = there;
  if (verdict.outcome === "waiting" || verdict.outcome === "unknown") return [];
  const notes: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await answered(what, deps, signal, act);
    } catch (error) {
      notes.push(`could not ${what}: ${failureOf(error, what).found}`);
    }
  };
  if (verdict.outcome === "succeeded") {
    const tags = {
      [replaceTags.replacedAt]: deps.clock.now().toISOString(),
      [replaceTags.replacedBy]: root ?? "unknown",
      [backupTag]: "no",
    };
    const { plan, old } = mark;
    const place = placeText({ old, device, deleteOnTermination: false });
    if (plan !== undefined && root !== undefined && root !== mark.old)
      await attempt(`mark the new root volume ${root}`, () =>
        deps.swap.tag([root], { [replaceTags.rootOf]: plan, [replaceTags.replaces]: place }, signal),
      );
    await attempt(`mark the old root volume ${mark.old}`, () => deps.swap.tag([mark.old], tags, signal));
    notes.push(
      `the old root volume ${mark.old}, which was ${device}, is kept; when satisfied: aws ec2 delete-volume --volume-id ${mark.old}`,
    );
  }
  await attempt(`take the tag ${replaceTags.root} from ${instance}`, () =>
    deps.swap.untag([instance], [replaceTags.root], signal),
  );
  return notes;
}
