import type { Target } from "../core/replace-ports.ts";
import { type RootMark, replaceTags, rootMarkIn, rootMarkText } from "../core/replace-tags.ts";
import { answered, never, until, untilSettled } from "./restore-deps.ts";
import { type House, refused, type SwapDeps } from "./swap-places.ts";

/** The power of another instance, as what uses its root volume. Its tag remembers whether it is to run. */
export function powerHouse(
  id: string,
  point: string,
  target: Target,
  patience: number,
  deps: SwapDeps,
): House {
  const instance = target.instance.id;
  const marked = async (signal: AbortSignal): Promise<RootMark | undefined> => {
    const { instance: now } = await answered(`look at ${instance}`, deps, signal, () =>
      deps.swap.target(instance, signal),
    );
    const mark = rootMarkIn(now.tags);
    if (mark === "unreadable")
      throw refused(
        `replace the root of ${instance}`,
        `its tag ${replaceTags.root} cannot be read`,
        "see whose it is, and remove it if nothing is under way",
      );
    return mark;
  };
  /** Our mark, if it is there. That of another replacement is not ours to write over. */
  const own = async (signal: AbortSignal): Promise<RootMark | undefined> => {
    const mark = await marked(signal);
    if (mark !== undefined && mark.id !== id)
      throw refused(
        `replace the root of ${instance}`,
        "another replacement of it is not finished",
        `see its tag ${replaceTags.root}`,
      );
    return mark;
  };
  return {
    async look(_pairs, _side, signal) {
      await own(signal);
    },
    async isUsed(_pairs, _side, signal) {
      const { state } = await answered(`look at ${instance}`, deps, signal, () =>
        deps.swap.target(instance, signal),
      );
      return state === "running" || state === "pending";
    },
    async begin(pairs, signal) {
      if ((await own(signal)) !== undefined) return;
      const ran = target.state === "running" || target.state === "pending";
      const mark: RootMark = { by: "stop", id, point, old: pairs[0]?.old ?? "", ran };
      // Not cut short: one that comes after all has gone back would keep runs from capturing.
      await answered(`mark ${instance}`, deps, signal, () =>
        deps.swap.tag([instance], { [replaceTags.root]: rootMarkText(mark) }, never),
      );
    },
    async letGo(_pairs, _side, signal) {
      await untilSettled(`wait for ${instance} to be stopped`, patience, deps, signal, async (heed) => {
        const { state } = await deps.swap.target(instance, heed.signal);
        deps.progress({ percent: 20, doing: `${instance} is ${state}` });
        if (state === "stopped") return true;
        if (state === "terminated" || state === "shutting-down")
          throw refused(`have ${instance} stopped`, `it is ${state}`);
        if (state === "running") await heed.send(() => deps.swap.stop(instance, never));
        return undefined;
      });
    },
    async takeUp(_pairs, _side, signal) {
      const mark = await marked(signal);
      // Without a mark nobody knows that it ran, and nothing was stopped by us.
      if (mark?.id === id && mark.ran === true) await started(signal);
      return [];
    },
    async end(_pairs, signal) {
      const { instance: now } = await answered(`look at ${instance}`, deps, signal, () =>
        deps.swap.target(instance, signal),
      );
      const mark = rootMarkIn(now.tags);
      // One of another replacement keeps runs from capturing, as it must.
      if (mark === undefined || mark === "unreadable" || mark.id !== id) return;
      await answered(`take the mark from ${instance}`, deps, signal, () =>
        deps.swap.untag([instance], [replaceTags.root], signal),
      );
    },
  };

  /** One that does not come up is stopped again by EC2, with a reason. */
  async function started(signal: AbortSignal): Promise<void> {
    let asked = 0;
    await until(`start ${instance}`, patience, deps, signal, async () => {
      const { state } = await deps.swap.target(instance, signal);
      deps.progress({ percent: 90, doing: `${instance} is ${state}` });
      if (state === "running") return true;
      if (state !== "stopped") return undefined;
      if (asked >= 3)
        throw refused(
          `start ${instance}`,
          "EC2 began to start it, and stopped it again",
          `aws ec2 describe-instances --instance-ids ${instance} --query 'Reservations[].Instances[].StateReason'`,
        );
      // Not cut short: one that looks stopped still would have its root taken away while it starts.
      await deps.swap.start(instance, never);
      asked += 1;
      return undefined;
    });
  }
}
