import { describe, expect, it } from "vitest";
import { type RestoreOrder, restoreVolumes } from "../../src/actions/restore-volumes.ts";
import { undoRestore } from "../../src/actions/undo-restore.ts";
import { BackupError } from "../../src/core/errors.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { RestoreResult } from "../../src/core/restore-result.ts";
import { instance } from "../system/history.ts";
import { type Fate, RestoreWorld } from "./restore-world.ts";

const never = new AbortController().signal;
const mount = { where: "/mnt/restored", writable: false };

function restore(world: RestoreWorld, more: Partial<RestoreOrder> = {}): Promise<RestoreResult> {
  return restoreVolumes({ plan: world.plan(), mount, ...more }, world.deps(), never);
}

function undo(world: RestoreWorld, restore?: string, act = true) {
  const wish = { instanceArn: instance.arn, instanceId: instance.id, ...(restore && { restore }) };
  return undoRestore(wish, act, world.deps(), never);
}

/** All that must be true once a restore has come to its end. */
function expectDone(world: RestoreWorld, result: RestoreResult, before: string): void {
  expect(result.failure).toBeUndefined();
  expect(result.volumes.map(({ step }) => step)).toEqual(["ready", "ready"]);
  const { made } = world;
  expect(made.map(({ snapshot }) => snapshot).sort()).toEqual(["snap-01", "snap-02"]);
  for (const { attachments, tags } of made) {
    expect(attachments).toMatchObject([{ instance: instance.id, state: "attached" }]);
    expect(tags[restoreTags.done]).toBeDefined();
  }
  expect(world.mounts.size).toBe(2);
  expect(world.untouched).toBe(before);
}

/** The fate of one call of many. */
const at = (place: number, fate: Fate) => (_: string, count: number) => (count === place ? fate : "fine");

async function callsOfAll(): Promise<number> {
  const world = new RestoreWorld();
  await restore(world);
  return world.calls;
}

describe("a restore", () => {
  it("makes, attaches and mounts, and tells where", async () => {
    const world = new RestoreWorld();
    const before = world.untouched;
    const result = await restore(world);
    expectDone(world, result, before);
    expect(result.outcome).toBe("done");
    expect(result.volumes.map(({ device }) => device)).toEqual(["/dev/sdh", "/dev/sdi"]);
    expect([...world.mounts.keys()]).toEqual(["/mnt/restored/vol-0aaaa0001", "/mnt/restored/vol-0aaaa0002"]);
  });

  it("does nothing the second time, and says so", async () => {
    const world = new RestoreWorld();
    await restore(world);
    const before = world.untouched;
    world.log.length = 0;
    const again = await restore(world);
    expectDone(world, again, before);
    expect(again.outcome).toBe("was-done");
    expect(world.log.filter((call) => !/describe|tagged|mount/.test(call))).toEqual([]);
  });

  it("makes others beside them with a label", async () => {
    const world = new RestoreWorld();
    await restore(world);
    await restore(world, { plan: world.plan({ label: "second" }), mount: { ...mount, where: "/mnt/other" } });
    expect(world.made).toHaveLength(4);
  });

  it("shares no volume with one that other volumes of the point were named for", async () => {
    const world = new RestoreWorld();
    const named = world.plan({ volumes: ["vol-0aaaa0001"] });
    await restore(world, { plan: named });
    const [one] = world.made;
    const both = await restoreVolumes({ plan: world.plan() }, world.deps(), never);
    expect(both.volumes.map(({ found }) => found)).toEqual([false, false]);
    expect(world.made).toHaveLength(3);
    expect(world.made.filter(({ tags }) => tags["ec2-backup:restore"] === named.id)).toMatchObject([
      { id: one?.id },
    ]);
  });

  it("is made anew once its volumes were deleted, though EC2 remembers its tokens", async () => {
    const world = new RestoreWorld();
    for (let round = 0; round < 3; round += 1) {
      const { id, failure } = await restore(world);
      expect(failure).toBeUndefined();
      expect((await undo(world, id)).map(({ outcome }) => outcome)).toEqual(["removed", "removed"]);
      expect(world.made).toEqual([]);
    }
  });

  it("refuses where other words are given the second time, and goes on with the first", async () => {
    const world = new RestoreWorld();
    world.lag = 5_000;
    world.fates = (call) => (call === "describe" ? "killed" : "fine");
    await restore(world);
    world.fates = () => "fine";
    const { failure } = await restore(world, { plan: world.plan({ type: "io2", iops: 500 }) });
    expect(failure).toMatchObject({
      kind: "refused",
      found: expect.stringMatching(/^vol-\w+, which an earlier command made of it, has gp3 and not io2$/),
      remedy: expect.stringContaining("--label WORD"),
    });
    expect((await restore(world, { plan: world.plan({ type: "gp3" }) })).failure).toBeUndefined();
    expect(world.made.map(({ type }) => type)).toEqual(["gp3", "gp3"]);
  });

  it("is nobody's to undo by the way once its volumes may be written to", async () => {
    const outcomes = async (world: RestoreWorld) => (await undo(world)).map(({ outcome }) => outcome);
    const writable = { ...mount, writable: true };
    const reading = new RestoreWorld();
    const stopped = new BackupError({ kind: "interrupted", doing: "read", found: "it was told to stop" });
    const deps = reading.deps();
    const disks = { ...deps.disks, readAll: () => Promise.reject(stopped) };
    const order = { plan: reading.plan(), mount: writable, initialize: "read" } as const;
    const cut = await restoreVolumes(order, { ...deps, disks }, never);
    expect([cut.outcome, cut.mounted.length]).toEqual(["unfinished", 2]);
    expect([await outcomes(reading), reading.mounts.size]).toEqual([["left", "left"], 2]);
    // Killed by the mount itself, which may have happened.
    const killed = new RestoreWorld();
    killed.fates = (call) => (call === "mount" ? "killed" : "fine");
    await restore(killed, { mount: writable });
    killed.fates = () => "fine";
    expect([await outcomes(killed), killed.mounts.size]).toEqual([["left", "left"], 1]);
    expect((await undo(killed, killed.plan().id)).map(({ outcome }) => outcome)).toEqual([
      "removed",
      "removed",
    ]);
  });

  it("does not wait for a day to be told of a rate that its volumes were not made with", async () => {
    const world = new RestoreWorld();
    await restore(world);
    const deps = world.deps();
    const before = deps.clock.elapsed();
    const volumes = { ...deps.volumes, initialized: () => Promise.resolve(new Map<string, number>()) };
    const waits = { ...deps.waits, initializeFor: 24 * 3_600_000 };
    const order = { plan: world.plan({ initializeRate: 200 }), initialize: "rate" } as const;
    const { failure } = await restoreVolumes(order, { ...deps, volumes, waits }, never);
    expect(failure?.remedy).toContain("--initialize read");
    expect(deps.clock.elapsed() - before).toBeLessThan(2 * waits.availableFor);
  });

  it("takes the next name where the planned one was taken meanwhile", async () => {
    const world = new RestoreWorld();
    const plan = world.plan();
    const rival = world.volumes.get("vol-0bbbb");
    if (rival) {
      rival.state = "in-use";
      rival.attachments = [{ instance: instance.id, device: "/dev/xvdh", state: "attached" }];
    }
    const { volumes, notes, failure } = await restore(world, { plan });
    expect(failure).toBeUndefined();
    expect(volumes.map(({ device }) => device)).toEqual(["/dev/sdj", "/dev/sdi"]);
    expect(notes.join()).toContain("/dev/sdh was taken meanwhile");
  });

  it("says that it is the key where EC2 takes a new volume away, and does not try for ever", async () => {
    const world = new RestoreWorld();
    world.keyless = "snap-02";
    const { failure, outcome } = await restore(world);
    expect(outcome).toBe("unfinished");
    expect(failure).toMatchObject({
      code: "VolumeGoneAway",
      found: expect.stringContaining("the key of the snapshot"),
    });
    expect(world.log.filter((call) => call === "create")).toHaveLength(3);
    await undo(world);
    expect(world.made).toEqual([]);
  });

  it("takes a volume that was on its way out for no refusal of its key, and goes on the next time", async () => {
    const world = new RestoreWorld();
    await restore(world);
    const [one] = world.made;
    const volume = world.volumes.get(one?.id ?? "");
    const [there] = volume?.attachments ?? [];
    if (volume === undefined || there === undefined) expect.fail("nothing was attached");
    volume.attachments = [{ ...there, state: "detaching" }];
    let looks = 0;
    world.fates = (call) => {
      looks += call === "describe" ? 1 : 0;
      if (looks === 6) Object.assign(volume, { attachments: [], state: "available" });
      return "fine";
    };
    const cut = await restore(world);
    expect(cut.failure).toMatchObject({ found: "it was being detached, and is detached now" });
    expect(cut.failure?.code).toBeUndefined();
    expect((await restore(world)).failure).toBeUndefined();
  });

  it("tells what exists when it is refused or told to stop, and does nothing more", async () => {
    const world = new RestoreWorld();
    world.fates = (call) => (call === "attach" ? "refused" : "fine");
    const { failure, volumes } = await restore(world);
    expect(failure).toMatchObject({ kind: "refused", code: "InsufficientVolumeCapacity" });
    expect(volumes.map(({ id, step }) => [id !== undefined, step])).toEqual([
      [true, "created"],
      [true, "created"],
    ]);
    const stop = AbortSignal.abort();
    const stopped = await restoreVolumes({ plan: world.plan() }, world.deps(), stop);
    expect(stopped.failure?.kind).toBe("interrupted");
  });
});

describe("a restore that is hit", () => {
  const fates: Fate[] = ["lost", "unanswered", "throttled"];

  it.each(fates)("at any one call by %s comes to its end all the same", async (fate) => {
    const total = await callsOfAll();
    for (let place = 1; place <= total; place += 1) {
      const world = new RestoreWorld();
      const before = world.untouched;
      world.fates = at(place, fate);
      const result = await restore(world);
      // What is asked of the host is not asked again by itself.
      if (result.failure !== undefined || result.notMounted.length > 0) {
        expect(world.log.concat("mount")).toContain("mount");
        expectDone(world, await restore(world), before);
      } else expectDone(world, result, before);
    }
  });

  it.each(["killed", "refused"] as const)(
    "at any one call by being %s is continued by the same words",
    async (fate) => {
      const total = await callsOfAll();
      expect(total).toBeGreaterThan(10);
      for (let place = 1; place <= total; place += 1) {
        for (const lag of [0, 3_000]) {
          const world = new RestoreWorld();
          world.lag = lag;
          const before = world.untouched;
          world.fates = at(place, fate);
          await restore(world).catch(() => undefined);
          expect(world.untouched).toBe(before);
          world.fates = () => "fine";
          expectDone(world, await restore(world), before);
        }
      }
    },
  );

  it("at any one call by being killed is undone without a trace, and touches nothing else", async () => {
    const total = await callsOfAll();
    for (let place = 1; place < total; place += 1) {
      const world = new RestoreWorld();
      const before = world.untouched;
      world.fates = at(place, "killed");
      await restore(world).catch(() => undefined);
      world.fates = () => "fine";
      const undone = await undo(world);
      expect(undone.map(({ outcome }) => outcome)).toEqual(undone.map(() => "removed"));
      expect([...world.made, ...world.mounts.keys()]).toEqual([]);
      expect(world.untouched).toBe(before);
    }
  });
});

describe("an undoing that is hit", () => {
  it("at any one call is finished by the next", async () => {
    for (const fate of ["killed", "lost", "unanswered", "refused"] as const) {
      for (let place = 1; place <= 16; place += 1) {
        const world = new RestoreWorld();
        const before = world.untouched;
        const { id } = await restore(world);
        const start = world.calls;
        world.fates = at(start + place, fate);
        await undo(world, id).catch(() => undefined);
        world.fates = () => "fine";
        await undo(world, id);
        expect([...world.made, ...world.mounts.keys()]).toEqual([]);
        expect(world.untouched).toBe(before);
      }
    }
  });
});

describe("what is undone", () => {
  it("is not detached while nobody can tell whether it is mounted", async () => {
    const world = new RestoreWorld();
    const { id } = await restore(world);
    world.silent = true;
    world.log.length = 0;
    const undone = await undo(world, id);
    expect(undone).toMatchObject([
      { outcome: "failed", failure: { kind: "unreachable" } },
      { outcome: "failed", failure: { kind: "unreachable" } },
    ]);
    expect(world.log.join()).not.toMatch(/detach/);
    world.silent = false;
    expect((await undo(world, id)).map(({ outcome }) => outcome)).toEqual(["removed", "removed"]);
  });

  it("is nothing that was finished, unless it is named; and nothing at all without the word", async () => {
    const world = new RestoreWorld();
    const { id } = await restore(world);
    const [left] = await undo(world);
    expect(left).toMatchObject({
      outcome: "left",
      because: expect.stringContaining(`--undo --restore ${id}`),
    });
    expect((await undo(world, id, false)).map(({ outcome }) => outcome)).toEqual([
      "would-be-removed",
      "would-be-removed",
    ]);
    expect(world.made).toHaveLength(2);
  });

  it("is no volume that is in other hands or whose marks do not fit", async () => {
    for (const change of [
      { attachments: [{ instance: "i-other", device: "/dev/sdf", state: "attached" }] },
      { snapshot: "snap-0ffff" },
    ]) {
      const world = new RestoreWorld();
      world.fates = (call) => (call === "tag" ? "refused" : "fine");
      await restore(world).catch(() => undefined);
      world.fates = () => "fine";
      const [mine] = world.made;
      const volume = world.volumes.get(mine?.id ?? "");
      if (volume) Object.assign(volume, change);
      const undone = await undo(world);
      expect(undone.find(({ id }) => id === mine?.id)).toMatchObject({ outcome: "left" });
      expect(world.made.map(({ id }) => id)).toEqual([mine?.id]);
    }
  });
});
