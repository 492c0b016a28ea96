import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { machineKeys } from "../../src/core/machine-tags.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { helper, Machines, shapesOf, source } from "./restore-machines.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `instances whose restore is killed: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);

test.concurrent("a point of a terminated instance becomes an instance with the same properties, once", async () => {
  await using on = await Machines.start();
  const before = await on.captured();
  await on.lose();
  const words = ["--instance", source.id];

  const plan = await on.restore([...words]);
  expect(plan.code, plan.stdout + plan.stderr).toBe(2);
  expect(plan.told.plan?.obstacles).toMatchObject([{ about: "user data", severity: "blocks" }]);
  expect(await on.made()).toMatchObject({ machines: [], images: [], volumes: [] });

  const file = path.join(on.bench.folder, "user-data");
  await writeFile(file, "#!/bin/sh\nother\n");
  const wrong = await on.restore([...words, "--user-data", file, "--yes"]);
  expect([wrong.code, wrong.told.plan?.obstacles[0]?.found]).toEqual([
    2,
    expect.stringContaining("not what"),
  ]);
  await writeFile(file, source.userData);
  const misfit = await on.restore([...words, "--user-data", file, "--type", "m7i.large", "--yes"]);
  expect([misfit.code, misfit.told.result?.failure?.found]).toEqual([
    2,
    expect.stringContaining("architecture"),
  ]);
  expect(await on.made(), "EC2 refused, so the image went again").toEqual({
    machines: [],
    images: [],
    volumes: [],
  });

  const first = await on.restore([...words, "--user-data", file, "--yes"]);
  expect(first.told.result, first.stdout + first.stderr).toMatchObject({ outcome: "done" });
  expect(first.told.result?.health).toEqual({ system: "ok", instance: "ok" });
  const { machines, images, volumes } = await on.made();
  expect(images, "the image is withdrawn").toEqual([]);
  expect(machines).toHaveLength(1);
  const [machine] = machines;
  const { id: _, launchTime: __, ...same } = before.machine;
  expect(machine).toMatchObject({ ...same, state: "running" });
  expect(machine?.tags).toMatchObject({ Name: "web", [restoreTags.point]: before.point });
  expect(shapesOf(volumes)).toEqual(before.volumes);
  for (const volume of volumes) expect(volume.tags[restoreTags.from]).toBe(volume.snapshotId);

  const again = await on.restore([...words, "--user-data", file, "--yes"]);
  expect([again.code, again.told.result?.outcome]).toEqual([0, "was-done"]);
  const kept = await on.restore(["--undo", "--yes"]);
  expect(new Set(kept.told.undone?.map(({ outcome }) => outcome))).toEqual(new Set(["left"]));
  expect((await on.made()).machines).toMatchObject([{ id: machine?.id, state: "running" }]);

  // The agent of the copy, with all that the original's had on its disk.
  await on.bench.configure({}, "{ last: 1 }");
  await on.bench.simulator.control.settings({ self: machine?.id });
  const own = await on.bench.run();
  expect(own.code, own.stdout + own.stderr).toBe(0);
  const { snapshots } = await on.bench.simulator.control.state();
  const points = Object.values(snapshots).filter(({ tags }) => Object.hasOwn(tags, tagKeys.point));
  const arns = points.map(({ tags }) => tags[tagKeys.instance]?.split("/")[1]);
  expect(arns.sort()).toEqual([machine?.id, machine?.id, source.id, source.id].sort());
});

const windows = { platform: "windows", instanceType: "m7i.large", bootMode: "legacy-bios" } as const;
const windowsImage = { platform: "windows", architecture: "x86_64", bootMode: "legacy-bios" } as const;

test.concurrent("what an image of a snapshot would not be billed for is launched from its image, and gets its root", async () => {
  await using on = await Machines.start(windows, windowsImage);
  const before = await on.captured();
  const plan = await on.restore(["--instance", source.id]);
  expect(plan.told.plan?.way, plan.stdout + plan.stderr).toBe("swap");
  const run = await on.restore(["--instance", source.id, "--yes"]);
  expect(run.told.result, run.stdout + run.stderr).toMatchObject({ outcome: "done" });
  const { machines, images, volumes } = await on.made();
  const { id: _, launchTime: __, ...same } = before.machine;
  expect(machines).toMatchObject([{ ...same, state: "running", imageId: "ami-0fa00000000000001" }]);
  expect(images).toEqual([]);
  expect(shapesOf(volumes)).toEqual(before.volumes);
  const calls = on.bench.apiCalls().map(({ action }) => action);
  expect(calls).not.toContain("RegisterImage");

  await using gone = await Machines.start(windows, { ...windowsImage, state: "deregistered" });
  const refused = await gone.restore(["--instance", source.id, "--yes"]);
  expect([refused.code, refused.told.plan?.obstacles]).toMatchObject([
    2,
    [{ about: "image", severity: "blocks" }],
  ]);
  expect(await gone.made()).toEqual({ machines: [], images: [], volumes: [] });
});

test.concurrent("recorded user data comes back from the point alone, and what is recorded by default is no secret", async () => {
  await using on = await Machines.start();
  const { snapshots } = await on.bench.simulator.control.state();
  const keys = Object.values(snapshots).flatMap(({ tags }) => Object.keys(tags));
  expect(keys.filter((key) => key.startsWith(machineKeys.machine))).not.toEqual([]);
  expect(keys.filter((key) => key.startsWith(machineKeys.userData))).toEqual([]);
  await on.bench.configure({}, "{ last: 4 }, recordUserData: true");
  await on.bench.simulator.control.settings({ self: source.id });
  on.bench.simulator.control.faults([{ kind: "hang", service: "imds", action: "/latest/user-data" }]);
  const without = await on.bench.run();
  expect(without.report.points).toHaveLength(1);
  expect(JSON.stringify(without.report.problems)).toContain("which the instance metadata did not give");
  await on.bench.tomorrow();
  expect((await on.bench.run()).code).toBe(0);
  await on.bench.tomorrow();
  await on.lose();
  await on.bench.simulator.control.settings({ self: helper });
  const run = await on.restore(["--instance", source.id, "--yes"]);
  expect(run.told.result, run.stdout + run.stderr).toMatchObject({ outcome: "done" });
  const [machine] = (await on.made()).machines;
  expect(Buffer.from(machine?.userData ?? "", "base64").toString()).toBe(source.userData);
  expect(run.stdout + run.stderr).not.toContain("hunter2");
});

/** More calls than a restore makes: the last ones never come, and such a round is one that nothing disturbs. */
const places = Array.from({ length: 34 }, (_, index) => index + 1);
const kinds = ["hang", "hang-after"] as const;
const rounds = shuffled(
  places.flatMap((index) => kinds.map((kind) => ({ index, kind }))),
  chanceOf(seed),
).slice(0, soak ? undefined : 10);

test.concurrent("a restore that is killed at any call is continued, or undone, by the next command", async () => {
  await using registering = await Machines.start();
  await using swapping = await Machines.start(windows, windowsImage);
  const shapes = new Map([
    [registering, (await registering.captured()).volumes],
    [swapping, (await swapping.captured()).volumes],
  ]);
  for (const [round, { index, kind }] of rounds.entries()) {
    const on = round % 2 === 0 ? registering : swapping;
    const words = ["--instance", source.id, "--label", `round-${round}`, "--yes"];
    const fault: Fault = { kind, index, service: "ec2" };
    const { control } = on.bench.simulator;
    control.faults([fault]);
    const started = Promise.withResolvers<number>();
    const restoring = on.restore(words, started.resolve);
    const pid = await started.promise;
    const hit = await Promise.race([restoring.then(() => false), hanging(on, kind)]);
    if (hit) process.kill(pid, "SIGKILL");
    await restoring;
    control.clearFaults();
    const where = `SEED=${seed}: killed at call ${index} (${kind}), round ${round}`;
    const undo = Math.floor(round / 2) % 2 === 1 && hit;
    const next = await on.restore(undo ? ["--undo", "--yes"] : words);
    expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
    const left = await on.made();
    // What was finished before it was killed is never undone.
    const finished = left.machines.filter(({ tags }) => tags[restoreTags.done] !== undefined);
    expect(left.images, where).toEqual([]);
    expect(left.machines, where).toEqual(finished);
    expect(finished.length, where).toBeLessThanOrEqual(1);
    if (!undo) expect(finished, where).toHaveLength(1);
    expect(shapesOf(left.volumes), where).toEqual(finished.length === 0 ? [] : shapes.get(on));
    await on.sweep();
  }
}, 600_000);

test.concurrent("faults of every call leave neither a second instance nor an image, and the same words finish", async () => {
  await using on = await Machines.start();
  const { volumes } = await on.captured();
  const actions = ["RegisterImage", "RunInstances", "DescribeInstances", "CreateTags", "DeregisterImage"];
  const faults = actions.flatMap((action) =>
    (["reset-after", "500", "throttle", "partial", "denied"] as const).map((kind) => ({ action, kind })),
  );
  const tries = shuffled(faults, chanceOf(seed + 1)).slice(0, soak ? undefined : 2);
  for (const [round, fault] of tries.entries()) {
    const words = ["--instance", source.id, "--label", `fault-${round}`, "--yes"];
    on.bench.simulator.control.faults([{ ...fault, service: "ec2" }]);
    await on.restore(words);
    on.bench.simulator.control.clearFaults();
    const where = `SEED=${seed}: ${fault.kind} of ${fault.action}`;
    const next = await on.restore(words);
    expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
    const left = await on.made();
    expect([left.machines.length, left.images], where).toEqual([1, []]);
    expect(shapesOf(left.volumes), where).toEqual(volumes);
    await on.sweep();
  }
}, 600_000);

test.concurrent("an image that could not be looked for is told, and taken away by the same words or by undo", async () => {
  await using on = await Machines.start();
  const { control } = on.bench.simulator;
  const imageLeft = async (label: string) => {
    const words = ["--instance", source.id, "--label", label, "--yes"];
    control.faults([{ kind: "hang-after", action: "RunInstances", count: 1 }]);
    const started = Promise.withResolvers<number>();
    const restoring = on.restore(words, started.resolve);
    const pid = await started.promise;
    if (await Promise.race([restoring.then(() => false), hanging(on, "hang-after")]))
      process.kill(pid, "SIGKILL");
    await restoring;
    control.clearFaults();
    // The look at the original's image succeeds, and the one for what is to be taken away does not.
    control.faults([{ kind: "denied", action: "DescribeImages", skip: 2, count: "always" }]);
    const next = await on.restore(words);
    control.clearFaults();
    const said = next.stdout + next.stderr;
    expect([next.code, next.told.result?.outcome], said).toEqual([1, "done"]);
    expect(next.told.result?.left?.doing, said).toMatch(/image/);
    expect((await on.made()).images, said).toHaveLength(1);
    return words;
  };
  const words = await imageLeft("again");
  const again = await on.restore(words);
  expect([again.code, again.told.result?.outcome], again.stdout + again.stderr).toEqual([0, "was-done"]);
  expect([(await on.made()).images, (await on.made()).machines.length]).toEqual([[], 1]);

  await imageLeft("undo");
  const undo = await on.restore(["--undo", "--yes"]);
  const removed = undo.told.undone?.filter(({ outcome }) => outcome === "removed");
  expect(
    removed?.map(({ kind }) => kind),
    undo.stdout,
  ).toEqual(["image"]);
  expect([(await on.made()).images, (await on.made()).machines.length]).toEqual([[], 2]);

  const kept = await on.restore(["--instance", source.id, "--label", "kept", "--keep-image", "--yes"]);
  expect(kept.code, kept.stdout + kept.stderr).toBe(0);
  await on.restore(["--instance", source.id, "--label", "kept", "--yes"]);
  await on.restore(["--undo", "--yes"]);
  expect((await on.made()).images, "one that was kept is its owner's").toHaveLength(1);
}, 300_000);

/** Waits for the call that is never answered. */
async function hanging({ bench }: Machines, kind: string): Promise<boolean> {
  const { control } = bench.simulator;
  const count = () => control.calls().filter((call) => call.outcome?.code === kind).length;
  const before = count();
  while (count() === before) await new Promise((resolve) => setTimeout(resolve, 20));
  return true;
}
