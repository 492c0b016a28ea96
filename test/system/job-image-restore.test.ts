import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import { imageOf } from "./image-stage.ts";
import { helper, Machines, shapesOf, source } from "./restore-machines.ts";

/** A machine whose last run has made an image; what the image is, and its point. */
async function imaged(...given: Parameters<typeof Machines.start>) {
  const on = await Machines.start(...given);
  const { control } = on.bench.simulator;
  await control.settings({ self: source.id });
  await on.bench.configure({}, "{ last: 4 }, image: yearly");
  await on.bench.tomorrow();
  const run = await on.bench.run();
  expect(run.code, run.stdout + run.stderr).toBe(0);
  const { image = "", point = "" } = imageOf(run) ?? {};
  await on.bench.tomorrow();
  await control.settings({ self: helper });
  return { on, image, point, regular: run.report.points[0]?.id };
}

const words = (point: string) => ["--instance", source.id, "--point", point, "--no-user-data"];

test("a point that is an image is launched itself, and so keeps what it is billed for", async () => {
  const { on, image, point } = await imaged(
    { platform: "windows", instanceType: "m7i.large", bootMode: "legacy-bios" },
    { platform: "windows", architecture: "x86_64", bootMode: "legacy-bios" },
  );
  await using _ = on;
  const before = await on.captured();
  await on.lose();
  const calls = on.bench.apiCalls().length;
  const plan = await on.restore(words(point));
  expect(plan.told.plan, plan.stdout + plan.stderr).toMatchObject({ way: "image", original: { id: image } });
  const run = await on.restore([...words(point), "--yes"]);
  expect(run.told.result, run.stdout + run.stderr).toMatchObject({ outcome: "done" });
  const { machines, images, volumes } = await on.made();
  const { id: __, launchTime: ___, userData: ____, ...same } = before.machine;
  expect(machines).toMatchObject([{ ...same, state: "running", imageId: image, platform: "windows" }]);
  expect(images).toEqual([]);
  expect(shapesOf(volumes)).toEqual(before.volumes);
  const { snapshots, images: all } = await on.bench.simulator.control.state();
  for (const volume of volumes) {
    expect(snapshots[volume.snapshotId]?.tags[tagKeys.point]).toBe(point);
    expect(volume.tags[restoreTags.from]).toBe(volume.snapshotId);
  }
  expect(all[image]?.state, "the image stays").toBe("available");
  const actions = on.bench
    .apiCalls()
    .slice(calls)
    .map(({ action }) => action);
  for (const never of ["RegisterImage", "DeregisterImage", "StopInstances", "CreateVolume"])
    expect(actions).not.toContain(never);

  const again = await on.restore([...words(point), "--yes"]);
  expect([again.code, again.told.result?.outcome]).toEqual([0, "was-done"]);
});

test("nobody gets an image who has not named it, and without it its snapshots do", async () => {
  const { on, image, point, regular } = await imaged();
  await using _ = on;
  const plain = await on.restore(["--instance", source.id, "--no-user-data"]);
  expect(plain.told).toMatchObject({ plan: { way: "register", point: { id: regular } } });
  await on.bench.simulator.control.images({ change: { image, state: "deregistered" } });
  const run = await on.restore([...words(point), "--yes"]);
  expect(run.told, run.stdout + run.stderr).toMatchObject({
    plan: { way: "register" },
    result: { outcome: "done" },
  });
  expect((await on.made()).machines).toHaveLength(1);
});
