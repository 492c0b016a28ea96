import { expect, test } from "vitest";
import type { Instance, Volume } from "../../src/core/instance.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { fstabNotes, heirOf, planSwaps, refusedUse } from "../../src/core/replace-plan.ts";
import type { RootTask, Target } from "../../src/core/replace-ports.ts";
import { planRoot } from "../../src/core/replace-root-plan.ts";
import {
  placeIn,
  placeText,
  type RootMark,
  replaceTags,
  rootMarkIn,
  rootMarkText,
} from "../../src/core/replace-tags.ts";
import { mayUndo, unfinishedBeside } from "../../src/core/restore-leftovers.ts";
import type { RestorePlan } from "../../src/core/restore-plan.ts";
import type { VolumeState } from "../../src/core/restore-ports.ts";
import { judgeRoot } from "../../src/core/root-verdict.ts";

const instance: Instance = {
  id: "i-0a",
  arn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0a",
  account: "111122223333",
  region: "eu-central-1",
  zone: "eu-central-1a",
  type: "m7i.large",
  rootDevice: "/dev/xvda",
  tags: {},
};

const volume = (id: string, device: string, more: Partial<Volume> = {}): Volume => ({
  id,
  device,
  root: device === "/dev/xvda",
  sizeGiB: 1,
  type: "gp3",
  encrypted: false,
  multiAttach: false,
  deleteOnTermination: true,
  attachment: "attached",
  tags: {},
  ...more,
});

const restore = (root = false): RestorePlan => ({
  id: "restore-0123456789abcdef",
  point: {
    id: "point",
    instanceArn: instance.arn,
    recipe: [{ volumeId: "vol-1", device: "/dev/sdf" }],
  } as unknown as RecoveryPoint,
  instance,
  volumes: [
    {
      volume: "vol-1",
      root,
      request: { snapshot: "snap-1", zone: "a", type: "gp3", sizeGiB: 1, tags: { Name: "x" } },
      device: "/dev/sdf",
      deviceBecause: "",
      notes: [],
    },
  ],
  left: [],
  obstacles: [],
  notes: [],
  taken: [],
});

const made = (tags: Record<string, string>): VolumeState => ({
  id: "vol-9",
  state: "available",
  zone: "a",
  snapshot: "snap-1",
  type: "gp3",
  sizeGiB: 1,
  attachments: [],
  tags: { "ec2-backup:restored-from": "snap-1", ...tags },
});

test("the place of a captured volume is its own, its heir's, or that of its device", () => {
  const own = volume("vol-1", "/dev/sdg");
  const heir = volume("vol-2", "/dev/sdh", {
    tags: { "ec2-backup:restored-volume": "vol-1", [replaceTags.replaces]: "vol-1 dev=/dev/sdh dot=0" },
  });
  const copy = volume("vol-3", "/dev/sdi", { tags: { "ec2-backup:restored-volume": "vol-1" } });
  const there = volume("vol-4", "/dev/xvdf");
  expect(heirOf("vol-1", "/dev/sdf", [there, copy, heir, own])?.id).toBe("vol-1");
  expect(heirOf("vol-1", "/dev/sdf", [there, copy, heir])?.id).toBe("vol-2");
  expect(heirOf("vol-1", "/dev/sdf", [copy, there])?.id).toBe("vol-4");
  expect(heirOf("vol-1", undefined, [copy, there])).toBeUndefined();
  expect(heirOf("vol-1", "/dev/sdf", [{ ...own, attachment: "detaching" }])).toBeUndefined();
});

test("what an earlier invocation made tells the place, also when the old volume is away", () => {
  const before = made({ [replaceTags.replaces]: "vol-1 dev=/dev/sdg dot=1" });
  const { swaps, refusals } = planSwaps(restore(), [], [before]);
  expect(refusals).toEqual([]);
  expect(swaps).toMatchObject([
    { old: "vol-1", device: "/dev/sdg", deleteOnTermination: true, fresh: "vol-9" },
  ]);
  expect(swaps[0]?.planned.request.tags[replaceTags.replaces]).toBe("vol-1 dev=/dev/sdg dot=1");
  expect(planSwaps(restore(), [], [made({})]).refusals[0]?.found).toContain("nothing to replace");
  const other = { ...before, snapshot: "snap-2" };
  expect(planSwaps(restore(), [], [other]).refusals).toHaveLength(1);
  const undone = made({ ...before.tags, [replaceTags.undoneAt]: "2026" });
  expect(planSwaps(restore(), [], [undone]).refusals[0]?.found).toContain("was undone at 2026");
});

test("volumes of others and without room for marks are refused", () => {
  const tags = Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`k${index}`, ""]));
  const held = volume("vol-1", "/dev/sdf", { multiAttach: true, operator: "workspaces.amazonaws.com", tags });
  expect(planSwaps(restore(), [held], []).refusals.map(({ found }) => found)).toEqual([
    expect.stringContaining("Multi-Attach"),
    expect.stringContaining("workspaces.amazonaws.com"),
    expect.stringContaining("no room for five tags"),
  ]);
});

test("a new volume has room for the tags that are written later", () => {
  const own = Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`k${index}`, ""]));
  const [planned] = restore().volumes;
  if (planned === undefined) return expect.fail();
  const tags = { ...own, "ec2-backup:restore": "r" };
  const full = { ...restore(), volumes: [{ ...planned, request: { ...planned.request, tags } }] };
  const [swap] = planSwaps(full, [volume("vol-1", "/dev/sdf")], []).swaps;
  const kept = Object.keys(swap?.planned.request.tags ?? {});
  expect(kept).toHaveLength(45);
  expect(kept).toEqual(expect.arrayContaining(["ec2-backup:restore", replaceTags.replaces, "k0"]));
  expect(swap?.planned.notes).toEqual(["tags that find no room: k43, k44, k45, k46"]);
  // The marks of a swap that was begun do not keep it from going on.
  const begun = {
    ...Object.fromEntries(Object.entries(own).slice(0, 45)),
    [replaceTags.replacedBy]: "vol-9",
  };
  expect(planSwaps(restore(), [volume("vol-1", "/dev/sdf", { tags: begun })], []).refusals).toEqual([]);
});

test("users are named with the services to stop; fstab is told where it will not find the new volume", () => {
  const use = {
    mounts: [{ where: "/data", type: "ext4", volume: "vol-1", options: ["rw"] }],
    users: [
      { where: "/data", who: "mysqld (process 8, works there)", service: "mariadb.service" },
      { where: "/data", who: "sh (process 9, works there)" },
    ],
    fstab: [{ where: "/data", spec: "/dev/nvme1n1" }],
    obstacles: [],
  };
  expect(refusedUse(use)).toEqual([
    {
      found: "/data is used by mysqld (process 8, works there); /data is used by sh (process 9, works there)",
      remedy: "systemctl stop mariadb.service, then run this again; nothing is unmounted by force",
    },
  ]);
  expect(refusedUse({ ...use, users: [] })).toEqual([]);
  expect(fstabNotes(use)[0]).toContain("by a device, /dev/nvme1n1");
  expect(fstabNotes({ ...use, fstab: [] })[0]).toContain("not in /etc/fstab");
  for (const spec of ["UUID=x", "LABEL=x", "/dev/disk/by-uuid/x", "/dev/mapper/x"])
    expect(fstabNotes({ ...use, fstab: [{ where: "/data", spec }] })).toEqual([]);
  const byId = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a";
  expect(fstabNotes({ ...use, fstab: [{ where: "/data", spec: byId }] })[0]).toContain("another id");
});

test("the way of a root: EC2's where it may, from outside where it is asked for", () => {
  const root = volume("vol-1", "/dev/xvda");
  const target: Target = { instance, state: "running", rootDeviceType: "ebs", volumes: [root] };
  const own = { own: true, stop: false };
  expect(planRoot(restore(true), target, own)).toMatchObject({ way: "task", refusals: [] });
  expect(planRoot(restore(true), { ...target, state: "stopped" }, own).refusals[0]?.remedy).toContain(
    "from another host",
  );
  const foreign = { ...restore(true), point: { ...restore().point, instanceArn: "arn:other" } };
  const elsewhere = { ...target, volumes: [volume("vol-2", "/dev/xvda")] };
  expect(planRoot(foreign, elsewhere, { own: false, stop: false }).refusals[0]?.remedy).toContain("--stop");
  const data = planRoot(foreign, elsewhere, { own: false, stop: true });
  expect([data.refusals, data.notes.join()]).toEqual([[], expect.stringContaining("stopped and started")]);
  const unknown = { ...foreign, volumes: restore().volumes };
  expect(planRoot(unknown, elsewhere, { own: false, stop: true }).notes[0]).toContain("may not start");
  const store = { ...target, rootDeviceType: "instance-store", publicAddress: "192.0.2.1" };
  const outside = planRoot(restore(true), store, { own: false, stop: true });
  expect(outside.refusals[0]?.found).toContain("instance store");
  expect(outside.notes.join()).toContain("192.0.2.1 changes");
});

test("places and marks are read as they were written, and what is not ours is no mark", () => {
  const place = { old: "vol-1", device: "/dev/sdf", deleteOnTermination: false };
  expect(placeIn(placeText(place))).toEqual(place);
  expect(placeIn("vol-1; rm -rf /")).toBeUndefined();
  const mark: RootMark = {
    by: "task",
    id: `root-${"0".repeat(32)}`,
    plan: "restore-0123456789abcdef",
    point: "0193a1b2-c3d4-7000-8000-000000000000",
    old: "vol-0123456789abcdef0",
    snapshot: "snap-0123456789abcdef0",
    at: new Date("2026-11-01T02:00:00Z"),
  };
  expect(rootMarkText(mark).length).toBeLessThanOrEqual(256);
  expect(rootMarkIn({ [replaceTags.root]: rootMarkText(mark) })).toEqual(mark);
  expect(rootMarkIn({})).toBeUndefined();
  expect(rootMarkIn({ [replaceTags.root]: "yes" })).toBe("unreadable");
});

test("an order is judged by its task, else by the root volume, and never taken for done in doubt", () => {
  const at = new Date("2026-11-01T02:00:00Z");
  const mark: RootMark = { by: "task", id: "root-1", point: "p", old: "vol-1", snapshot: "snap-1", at };
  const task = (
    state: string,
    tags: Record<string, string> = { "ec2-backup:restore": "root-1" },
  ): RootTask => ({
    id: "replacevol-1",
    state,
    tags,
    snapshot: "snap-1",
    started: at,
  });
  const judged = (tasks: RootTask[] | undefined, root = "vol-1", minutes = 1) =>
    judgeRoot(mark, tasks, { instance: "i-0a", root, now: new Date(at.getTime() + minutes * 60_000) });
  expect(judged([task("succeeded")]).outcome).toBe("succeeded");
  expect(judged([task("succeeded", {})]).outcome).toBe("succeeded");
  expect(judged([task("succeeded", { "ec2-backup:restore": "root-2" })]).outcome).toBe("waiting");
  expect(judged([{ ...task("failed", {}), started: new Date(0) }]).outcome).toBe("waiting");
  for (const state of ["pending", "in-progress", "failing", "failing-detached"])
    expect(judged([task(state)])).toMatchObject({ outcome: "waiting", failure: { kind: "locked" } });
  expect(judged([task("failed")])).toMatchObject({ outcome: "kept" });
  expect(judged([task("failed-detached")])).toMatchObject({ outcome: "detached" });
  expect(judged([], "vol-2").outcome).toBe("succeeded");
  expect(judged([]).outcome).toBe("waiting");
  expect(judged([], "vol-1", 11)).toMatchObject({ outcome: "kept", failure: { code: "RootNotReplaced" } });
  expect(judged(undefined, "vol-1", 9_999)).toMatchObject({
    outcome: "unknown",
    failure: { kind: "denied" },
  });
  expect(judged(undefined, "vol-2").outcome).toBe("succeeded");
});

test("what takes the place of another volume is nothing that undoing a restore removes", () => {
  const tags = {
    "ec2-backup:restore": "restore-1",
    "ec2-backup:restored-for": instance.arn,
    [replaceTags.replaces]: "vol-1 dev=/dev/sdf dot=0",
  };
  const wish = { instanceArn: instance.arn, instanceId: instance.id };
  expect(mayUndo(made(tags), wish)).toMatchObject({
    may: false,
    because: expect.stringContaining("replace --undo"),
  });
  expect(unfinishedBeside("restore-2", instance.arn, [made(tags)])).toEqual([]);
});
