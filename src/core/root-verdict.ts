import type { Failure } from "./errors.ts";
import type { RootTask } from "./replace-ports.ts";
import { type RootMark, replaceTags } from "./replace-tags.ts";
import { restoreTags } from "./restore-plan.ts";

/** What became of an order to replace a root volume. */
export interface RootVerdict {
  /** `kept`: it failed, or was never given, and all is as it was. */
  readonly outcome: "succeeded" | "waiting" | "kept" | "detached" | "unknown";
  readonly task?: RootTask;
  /** Why it did not come about, or cannot be told; absent for `succeeded`. */
  readonly failure?: Failure;
}

/** An order that no task is seen of after so many ms was never given: EC2 shows what it has made within five minutes. */
const seenWithin = 10 * 60_000;
/** Clocks of two services differ by less. */
const slack = 2 * 60_000;

/**
 * Judges the order that an instance's tag tells of, by EC2's tasks (absent: nobody may ask for them) and by the root
 * volume that is attached now.
 */
export function judgeRoot(
  mark: RootMark,
  tasks: readonly RootTask[] | undefined,
  facts: { readonly instance: string; readonly root: string | undefined; readonly now: Date },
): RootVerdict {
  const { instance, root, now } = facts;
  const task = tasks && taskFor(mark, tasks);
  const fail = (kind: Failure["kind"], found: string, remedy: string, code: string): Failure => ({
    kind,
    doing: `confirm the replacement of the root volume of ${instance}`,
    found,
    remedy,
    code,
  });
  const back = `ec2-backup restore replace root --point ${mark.point} starts it anew`;
  if (task?.state === "succeeded") return { outcome: "succeeded", task };
  if (task?.state === "failed") {
    const found = `EC2's task ${task.id} failed; the root volume is the one it was, ${mark.old}`;
    return {
      outcome: "kept",
      task,
      failure: fail(
        "refused",
        found,
        `see that the snapshot and its key can be used; ${back}`,
        "RootNotReplaced",
      ),
    };
  }
  if (task?.state === "failed-detached") {
    const found = `EC2's task ${task.id} failed and left the instance without a root volume`;
    const remedy = `aws ec2 stop-instances --instance-ids ${instance}, then aws ec2 attach-volume --instance-id ${instance} --volume-id ${mark.old} --device its root device, then start it`;
    return { outcome: "detached", task, failure: fail("refused", found, remedy, "RootDetached") };
  }
  if (task !== undefined) {
    const found = `EC2's task ${task.id} is ${task.state}`;
    return { outcome: "waiting", task, failure: fail("locked", found, "wait for it", "RootNotConfirmed") };
  }
  // EC2 forgets tasks; the volume that is there speaks for itself.
  if (root !== undefined && root !== mark.old) return { outcome: "succeeded" };
  if (tasks === undefined) {
    const remedy = `allow ec2:DescribeReplaceRootVolumeTasks, or, if it is known to be over: aws ec2 delete-tags --resources ${instance} --tags Key=${replaceTags.root}`;
    return {
      outcome: "unknown",
      failure: fail("denied", "nobody here may ask for EC2's tasks", remedy, "RootNotConfirmed"),
    };
  }
  const age = mark.at === undefined ? Number.POSITIVE_INFINITY : now.getTime() - mark.at.getTime();
  if (age < seenWithin)
    return {
      outcome: "waiting",
      failure: fail(
        "locked",
        "EC2 does not show its task yet",
        "wait some minutes, or run the same command again",
        "RootNotConfirmed",
      ),
    };
  return {
    outcome: "kept",
    failure: fail(
      "refused",
      "the order never reached EC2; the root volume is the one it was",
      back,
      "RootNotReplaced",
    ),
  };
}

function taskFor(mark: RootMark, tasks: readonly RootTask[]): RootTask | undefined {
  const marked = tasks.find(({ tags }) => tags[restoreTags.restore] === mark.id);
  if (marked !== undefined) return marked;
  const from = (mark.at?.getTime() ?? 0) - slack;
  return tasks
    .filter((one) => one.snapshot === mark.snapshot && one.tags[restoreTags.restore] === undefined)
    .filter(({ started }) => started !== undefined && started.getTime() >= from)
    .sort((a, b) => (b.started?.getTime() ?? 0) - (a.started?.getTime() ?? 0))[0];
}
