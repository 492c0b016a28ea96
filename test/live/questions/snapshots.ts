import {
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  LockSnapshotCommand,
  UnlockSnapshotCommand,
} from "@aws-sdk/client-ec2";
import { copiedTag, type Lab, runTag } from "../lab.ts";
import { answered, type Question, refusalOf, unasked } from "../question.ts";

/** The first capture: most questions go by what became of it. */
const first = new WeakMap<Lab, Promise<string>>();
const captured = (lab: Lab): Promise<string> => {
  const made =
    first.get(lab) ??
    lab.volume("plain").then(async (volume) => (await lab.capture(volume)).SnapshotId ?? "");
  first.set(lab, made);
  // Whoever asks next tries again.
  made.catch(() => first.delete(lab));
  return made;
};

const visible: Question = {
  id: "visible-after",
  asks: "how long after CreateSnapshots does a listing by tag show the snapshot?",
  how: "CreateSnapshots, then DescribeSnapshots by tag until it is there",
  assumes: "within 5 minutes (reconcileFor): a later one is adopted by the next run",
  async ask(lab) {
    const id = await captured(lab);
    const began = performance.now();
    const Filters = [{ Name: `tag:${runTag}`, Values: [lab.options.run] }];
    const seen = await lab.until(async () => {
      const { Snapshots = [] } = await lab.ec2.send(
        new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters }),
      );
      return Snapshots.find(({ SnapshotId }) => SnapshotId === id);
    });
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    return answered(seen !== undefined, seen ? `after ${seconds} s` : `not within ${seconds} s`, {
      id,
      seconds,
    });
  },
};

const rate: Question = {
  id: "rate-per-volume",
  asks: "what is the answer to a second snapshot of a volume within 15 s?",
  how: "CreateSnapshots of the same volume again at once",
  assumes: "SnapshotCreationPerVolumeRateExceeded with a 4xx status, which the SDK does not repeat",
  async ask(lab) {
    await captured(lab);
    const volume = await lab.volume("plain");
    const refused = await refusalOf(() => lab.capture(volume));
    if (refused === undefined) return answered(false, "it was made: the limit is not what is documented");
    const { code, status = 0 } = refused;
    const holds = code === "SnapshotCreationPerVolumeRateExceeded" && status >= 400 && status < 500;
    return answered(holds, `${code} (${status})`, refused);
  },
};

const copied: Question = {
  id: "copied-tags-in-request",
  asks: "do tags that CopyTagsFromSource copies count for aws:TagKeys of a policy?",
  how: "CreateSnapshots with CopyTagsFromSource of a volume with a tag that the policy does not name",
  assumes: "no: policies that name the agent's own tags do not deny a capture because of a volume's tags",
  async ask(lab) {
    const volume = await lab.volume("tagged", { [copiedTag]: lab.options.run });
    let tags: readonly { Key?: string | undefined }[] = [];
    const refused = await refusalOf(async () => {
      tags = (await lab.capture(volume, { CopyTagsFromSource: "volume" })).Tags ?? [];
    });
    if (refused?.code === "UnauthorizedOperation") return answered(false, "yes: it is denied", refused);
    if (refused !== undefined) return unasked(`${refused.code} (${refused.status})`, refused);
    const there = tags.some(({ Key }) => Key === copiedTag);
    return answered(
      there,
      there ? "no: it is made, with the copied tag" : "it is made without the tag",
      tags,
    );
  },
};

const collision: Question = {
  id: "copied-tags-collision",
  asks: "which value has a tag that both the volume and the request name?",
  how: "CreateSnapshots with CopyTagsFromSource where the volume has the run's tag with another value",
  assumes: "the request's value, and no refusal",
  async ask(lab) {
    const volume = await lab.volume("colliding", { [runTag]: `${lab.options.run}-of-the-volume` });
    let value: string | undefined;
    const refused = await refusalOf(async () => {
      const { Tags = [] } = await lab.capture(volume, { CopyTagsFromSource: "volume" });
      value = Tags.find(({ Key }) => Key === runTag)?.Value;
    });
    if (refused !== undefined) return answered(false, `${refused.code} (${refused.status})`, refused);
    return answered(value === lab.options.run, `the value is ${JSON.stringify(value)}`, { value });
  },
};

const locked: Question = {
  id: "delete-locked",
  asks: "what is the answer to DeleteSnapshot of a locked snapshot, and can a pending one be locked?",
  how: "LockSnapshot (governance, 1 day), DeleteSnapshot, UnlockSnapshot",
  assumes: "a 4xx status with a code of its own, not NotFound: such a point is held, which is no error",
  async ask(lab) {
    const SnapshotId = await captured(lab);
    const lock = new LockSnapshotCommand({ SnapshotId, LockMode: "governance", LockDuration: 1 });
    const unlockable = await refusalOf(() => lab.ec2.send(lock));
    if (unlockable !== undefined) return unasked(`LockSnapshot: ${unlockable.code}`, unlockable);
    const refused = await refusalOf(() => lab.ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
    await lab.ec2.send(new UnlockSnapshotCommand({ SnapshotId }));
    if (refused === undefined) return answered(false, "it was deleted");
    const { code, status = 0 } = refused;
    const holds = status >= 400 && status < 500 && !/NotFound|Unauthorized/.test(code);
    return answered(holds, `${code} (${status}): ${refused.message}`, refused);
  },
};

const twice: Question = {
  id: "delete-twice",
  asks: "what is the answer to the second DeleteSnapshot of a snapshot, deleted while pending?",
  how: "DeleteSnapshot twice",
  assumes: "InvalidSnapshot.NotFound, taken for done",
  async ask(lab) {
    const SnapshotId = await captured(lab);
    const send = () => lab.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    const once = await refusalOf(send);
    if (once !== undefined) return unasked(`the first: ${once.code} (${once.status})`, once);
    const again = await refusalOf(send);
    const got = again === undefined ? "done once more" : `${again.code} (${again.status})`;
    return answered(again === undefined || again.code === "InvalidSnapshot.NotFound", got, again);
  },
};

const latency: Question = {
  id: "capture-latency",
  asks: "how long does CreateSnapshots take until it answers?",
  how: "the captures above, timed",
  assumes: "less than 10 s, the default deadline of a freeze",
  ask({ latencies }) {
    if (latencies.length === 0) return Promise.resolve(unasked("no capture was answered"));
    const got = `${latencies.join(", ")} ms`;
    return Promise.resolve(answered(Math.max(...latencies) < 10_000, got, { milliseconds: latencies }));
  },
};

/** In this order: what deletes comes last. */
export const aboutSnapshots: readonly Question[] = [visible, rate, copied, collision, locked, twice, latency];
