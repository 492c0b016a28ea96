import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { need } from "../host/places.ts";
import { instance } from "./history.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { govern, policyNamed } from "./policies.ts";
import { cut, dataVolume, ReplaceHost, seed, soak } from "./replace-host.ts";

const lost = { kind: "hang", action: "AttachVolume", dryRun: false } as const;

/** One of them, unless all are asked for. */
const some = (...ways: readonly string[]) =>
  soak ? ways : ways.filter((_, at) => at === seed % ways.length);

/** The first look at volumes after the plan of a swap that was begun. */
const planned = { action: "DescribeVolumes", skip: 6 } as const;

/** The volumes at the place of the data volume. */
async function atPlace(host: ReplaceHost): Promise<string[]> {
  const volumes = await host.volumes();
  return volumes
    .filter(({ attachments }) => attachments.some(({ device }) => device === "/dev/sdf"))
    .map(({ id }) => id);
}

test.for(some("interrupted", "denied"))(
  "a second command that is %s before it does anything brings the original back",
  async (how, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await ReplaceHost.start();
    await host.mount("-o", "noatime");
    const first = await cut(host, ["--yes"], lost, "SIGKILL");
    expect(await atPlace(host), first.stdout + first.stderr).toEqual([]);
    const [fresh] = await host.made();

    const second = await (how === "denied"
      ? cut(host, ["--yes"], { ...planned, kind: "denied" })
      : cut(host, ["--yes"], { ...planned, kind: "hang" }, "SIGINT"));
    expect(second.told.result, second.stdout + second.stderr).toMatchObject({ outcome: "rolled-back" });
    expect(second.code).toBe(how === "denied" ? 77 : 130);
    expect(await atPlace(host)).toEqual([dataVolume]);
    expect(await host.content()).toBe("as it is");
    const third = await host.replace(["--yes"]);
    expect(third.told.result, third.stdout + third.stderr).toMatchObject({
      outcome: "done",
      volumes: [{ fresh: fresh?.id }],
    });
    expect(await host.content()).toBe("as it was");
  },
);

test("a command whose terminal is lost brings the original back", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount("-o", "noatime");
  const { told, code, stdout, stderr } = await cut(host, ["--yes"], lost, "SIGHUP");
  expect(told.result, stdout + stderr).toMatchObject({ outcome: "rolled-back" });
  expect(code).toBe(129);
  expect(await atPlace(host)).toEqual([dataVolume]);
  expect(await host.content()).toBe("as it is");
});

test.for(some("denied", "killed"))(
  "--undo keeps a new volume that was in use, also where its last marks are missing (%s)",
  async (how, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await ReplaceHost.start();
    await host.mount();
    const marks = { action: "CreateTags", dryRun: false, skip: 2 };
    const first = await (how === "denied"
      ? cut(host, ["--yes"], { ...marks, kind: "denied" })
      : cut(host, ["--yes"], { ...marks, kind: "hang" }, "SIGKILL"));
    if (how === "denied")
      expect(first.told.result, first.stdout + first.stderr).toMatchObject({ outcome: "unfinished" });
    expect(await host.content()).toBe("as it was");
    await host.sh("sh", "-c", `echo precious > ${host.mountedAt}/orders; sync -f ${host.mountedAt}`);
    const [fresh] = await host.made();
    // Somebody goes on with it, and it fails once more: what is in use stays where it is.
    const more = await cut(host, ["--yes"], { ...planned, kind: "denied" });
    expect(more.told.result, more.stdout + more.stderr).toMatchObject({ outcome: "unfinished" });
    expect(await host.content()).toBe("as it was");

    const undone = await host.replace(["--undo", "--yes"]);
    expect(undone.told.results, undone.stdout + undone.stderr).toMatchObject([{ outcome: "undone" }]);
    expect(undone.stdout).toContain(`delete-volume --volume-id ${fresh?.id}`);
    expect(await host.content()).toBe("as it is");
    expect(await host.volume(fresh?.id ?? "")).toMatchObject({ attachments: [], tags: { Backup: "no" } });
    expect((await host.volume(dataVolume))?.tags).toEqual({});
    expect((await host.replace(["--undo", "--yes"])).told.swaps).toEqual([]);
  },
);

test("an undo of a finished swap that is killed is unfinished: the same words finish it, or --undo", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount();
  // All of it is done with the rights that are given out for it.
  await govern(host.bench.simulator, [await policyNamed("restore"), await policyNamed("restore-replace")]);
  const done = await host.replace(["--yes"]);
  expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome: "done" });
  const undo = ["--undo", "--restore", done.told.plan?.id ?? "", "--yes"];
  await cut(host, undo, lost, "SIGKILL");
  expect(await atPlace(host)).toEqual([]);
  const beside = await host.replace(["--label", "other", "--yes"]);
  expect(beside.told.plan?.refusals[0]?.found, beside.stdout).toContain("is not finished");

  const again = await host.replace(["--yes"]);
  expect(again.told.result, again.stdout + again.stderr).toMatchObject({ outcome: "done" });
  expect(await host.content()).toBe("as it was");
  expect((await host.replace(["--yes"])).told.result).toMatchObject({ outcome: "was-done" });

  await cut(host, undo, lost, "SIGKILL");
  const undone = await host.replace(["--undo", "--yes"]);
  expect(undone.told.results, undone.stdout + undone.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await host.content()).toBe("as it is");
  expect(await host.made()).toHaveLength(1);
});

test("was done is said only of a new volume that is in its place", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  const { control } = host.bench.simulator;
  const done = await host.replace(["--yes"]);
  const [fresh] = await host.made();
  await control.volumes({ detach: { volume: fresh?.id } });
  const away = await host.replace(["--yes"]);
  expect([away.code, away.told.plan?.refusals[0]?.found], away.stdout).toEqual([
    2,
    expect.stringContaining("is not attached as /dev/sdf any more"),
  ]);
  const back = await host.replace(["--undo", "--restore", done.told.plan?.id ?? "", "--yes"]);
  expect(back.told.results, back.stdout + back.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await atPlace(host)).toEqual([dataVolume]);
});

test("the original comes back also where its new volume is gone, and never over a third one", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount();
  const { control } = host.bench.simulator;
  await cut(host, ["--yes"], lost, "SIGKILL");
  const [fresh] = await host.made();
  await control.volumes({ delete: { volume: fresh?.id } });
  const same = await host.replace(["--yes"]);
  expect([same.code, same.told.plan?.refusals[0]?.remedy], same.stdout).toEqual([
    2,
    expect.stringContaining("--undo"),
  ]);
  const undone = await host.replace(["--undo", "--yes"]);
  expect(undone.told.results, undone.stdout + undone.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await host.content()).toBe("as it is");
  expect((await host.volume(dataVolume))?.tags).toEqual({});

  await cut(host, ["--label", "second", "--yes"], lost, "SIGKILL");
  const third = "vol-0fa000000000000aa";
  await control.volumes([{ create: { id: third, size: 1 } }]);
  await control.volumes({ attach: { volume: third, instance: instance.id, device: "/dev/sdf" } });
  const held = await host.replace(["--label", "second", "--yes"]);
  expect([held.code, held.told.plan?.refusals[0]?.found], held.stdout).toEqual([
    2,
    expect.stringContaining(`/dev/sdf is held by ${third}`),
  ]);
  const freed = await host.replace(["--undo", "--yes"]);
  expect(freed.told.results, freed.stdout + freed.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(freed.stdout).toContain(`held by ${third}`);
  expect(await atPlace(host)).toEqual([third]);
  expect((await host.volume(dataVolume))?.tags).toEqual({});
  expect((await host.replace(["--undo", "--yes"])).told.swaps).toEqual([]);
});

test("what the tag Backup said before is there again after --undo", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const scenario = ({ volumes = [] }: Scenario) => ({
    volumes: volumes.map((one) => (one.id === dataVolume ? { ...one, tags: { Backup: "no" } } : one)),
  });
  await using host = await ReplaceHost.start({ scenario });
  // Killed between its last marks, and repeated: what it wrote itself is not taken for the user's.
  await cut(host, ["--yes"], { kind: "hang", action: "CreateTags", dryRun: false, skip: 3 }, "SIGKILL");
  const done = await host.replace(["--yes"]);
  expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome: "done" });
  expect((await host.volume(dataVolume))?.tags).toMatchObject({ "ec2-backup:backup-was": "no" });
  await host.replace(["--undo", "--restore", done.told.plan?.id ?? "", "--yes"]);
  expect((await host.volume(dataVolume))?.tags).toEqual({ Backup: "no" });
});
