import { describe, expect, it } from "vitest";
import { removeTemporary, withTemporaryVolumes } from "../../src/actions/temporary-volumes.ts";
import { undoRestore } from "../../src/actions/undo-restore.ts";
import { leftOutByTags } from "../../src/config/backup-tag.ts";
import { mayUndo, unfinishedBeside } from "../../src/core/restore-leftovers.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import { instance } from "../system/history.ts";
import { type Fate, RestoreWorld } from "./restore-world.ts";

const never = new AbortController().signal;
const us = { instanceArn: instance.arn, instanceId: instance.id };
const hour = 3_600_000;
const at = (place: number, fate: Fate) => (_: string, count: number) => (count === place ? fate : "fine");

function used<T>(
  world: RestoreWorld,
  use: (disks: ReadonlyMap<string, string>) => Promise<T>,
  label = "run-1",
) {
  const order = { plan: world.plan({ label }), lifetime: hour };
  return withTemporaryVolumes(order, world.deps(), never, use);
}

/** What a process that never ends leaves while it uses its volumes. */
async function killed(world: RestoreWorld): Promise<void> {
  const using = Promise.withResolvers<void>();
  void used(world, () => {
    using.resolve();
    return new Promise(() => undefined);
  });
  await using.promise;
}

/** Stopped once EC2 has answered, before it shows what it has made. */
function toldToStopAfterCreate(world: RestoreWorld): Promise<string> {
  const stop = new AbortController();
  const deps = world.deps();
  const create: typeof deps.volumes.create = async (...words) => {
    const made = await deps.volumes.create(...words);
    stop.abort();
    return made;
  };
  const order = { plan: world.plan({ label: "run-1" }), lifetime: hour };
  const hurried = { ...deps, volumes: { ...deps.volumes, create } };
  return withTemporaryVolumes(order, hurried, stop.signal, () => Promise.resolve("used")).catch(
    (error: Error) => error.message,
  );
}

async function callsOfAll(): Promise<number> {
  const world = new RestoreWorld();
  await used(world, () => Promise.resolve());
  return world.calls;
}

describe("temporary volumes", () => {
  it("are there while they are used, with their tag, and gone after that", async () => {
    const world = new RestoreWorld();
    const before = world.untouched;
    const seen = await used(world, (disks) => {
      expect(world.made.map(({ tags }) => tags[restoreTags.temporary])).toEqual(
        Array.from({ length: 2 }, () => expect.stringMatching(/^1970-01-01T01:00/)),
      );
      return Promise.resolve([...disks.values()]);
    });
    expect(seen).toEqual(["vol-0aaaa0001", "vol-0aaaa0002"]);
    expect([world.made, world.untouched]).toEqual([[], before]);
  });

  it.each(["lost", "unanswered", "throttled", "refused"] as const)(
    "are gone after a call was %s, whichever it is",
    async (fate) => {
      for (let place = 1; place <= (await callsOfAll()); place += 1) {
        const world = new RestoreWorld();
        world.lag = 500;
        const before = world.untouched;
        world.fates = at(place, fate);
        const outcome = await used(world, () => Promise.resolve("used")).catch((error: Error) => error);
        if (fate !== "refused") expect(outcome, `${place}`).toBe("used");
        const left = world.made;
        // Nothing is left without a word about it.
        for (const { id } of left) expect(String(outcome), `${place}: ${world.log.join("\n")}`).toContain(id);
        await removeTemporary(us, new Date(0), world.deps(), never);
        expect([world.made, world.untouched], `${place}`).toEqual([[], before]);
      }
    },
  );

  it("are gone when the use fails, whose failure is told, or when it is told to stop", async () => {
    const world = new RestoreWorld();
    await expect(used(world, () => Promise.reject(new Error("no such file")))).rejects.toThrow(
      /no such file/,
    );
    expect(world.made).toEqual([]);
    const stop = new AbortController();
    const order = { plan: world.plan({ label: "two" }), lifetime: hour };
    const stopped = withTemporaryVolumes(order, world.deps(), stop.signal, async () => {
      stop.abort();
      stop.signal.throwIfAborted();
    });
    await expect(stopped).rejects.toMatchObject({ kind: "interrupted" });
    expect(world.made).toEqual([]);
  });

  it("are waited for if EC2 does not show them yet, and told if it never does", async () => {
    const soon = new RestoreWorld();
    soon.lag = 5_000;
    expect(await toldToStopAfterCreate(soon)).toMatch(/told to stop/);
    expect([soon.made, soon.log.filter((call) => call === "remove").length]).toEqual([[], 2]);
    const never = new RestoreWorld();
    never.lag = 3_600_000;
    const told = await toldToStopAfterCreate(never);
    expect(never.made).toHaveLength(2);
    for (const { id } of never.made) expect(told).toContain(`aws ec2 delete-volume --volume-id ${id}`);
  });

  it("that EC2 took away by itself are not said to be left", async () => {
    const world = new RestoreWorld();
    world.keyless = "snap-02";
    const told = await used(world, () => Promise.resolve("")).catch((error: Error) => error.message);
    expect(told).toContain("the key of the snapshot");
    expect([told.includes("is left"), world.made]).toEqual([false, []]);
  });

  it("that cannot be removed are told, after a success too", async () => {
    const world = new RestoreWorld();
    world.fates = (call) => (call === "remove" ? "refused" : "fine");
    await expect(used(world, () => Promise.resolve())).rejects.toMatchObject({ code: "TemporaryLeft" });
    const failing = used(world, () => Promise.reject(new Error("first")), "run-2");
    await expect(failing).rejects.toThrow(/first.*; and vol-0d\d+ is left: cannot/);
  });

  it("of a killed process are removed by the next, and only those", async () => {
    const world = new RestoreWorld();
    const before = world.untouched;
    await killed(world);
    const { id } = world.plan({ label: "run-1" });
    expect(unfinishedBeside("other", instance.arn, world.made)).toEqual([]);
    expect(world.made.map(({ tags }) => leftOutByTags(tags))).toEqual([
      restoreTags.temporary,
      restoreTags.temporary,
    ]);
    const early = await removeTemporary(
      { ...us, expiredOnly: true },
      new Date(hour / 2),
      world.deps(),
      never,
    );
    expect(early.map(({ outcome }) => outcome)).toEqual(["left", "left"]);
    const looked = await undoRestore(us, false, world.deps(), never);
    expect(looked.map(({ outcome, because }) => [outcome, because])).toEqual([
      ["would-be-removed", expect.stringContaining("short use")],
      ["would-be-removed", expect.stringContaining("short use")],
    ]);
    const [kept] = world.made;
    const { [restoreTags.temporary]: _, ...others } = kept?.tags ?? {};
    if (kept !== undefined)
      expect(mayUndo({ ...kept, tags: others }, { ...us, temporary: "all" })).toMatchObject({ may: false });
    const finished = { [restoreTags.done]: "2026-11-01T00:00:00Z" };
    await world
      .deps()
      .volumes.tag([kept?.id ?? ""], { [restoreTags.instance]: "arn:other", ...finished }, never);
    const undone = await removeTemporary(us, new Date(0), world.deps(), never);
    expect(undone).toMatchObject([{ restore: id, outcome: "removed" }]);
    expect(world.made.map((one) => one.id)).toEqual([kept?.id]);
    expect(world.untouched).toBe(before);
  });
});
