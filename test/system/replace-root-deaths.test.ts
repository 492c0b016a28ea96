import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { need } from "../host/places.ts";
import { instance } from "./history.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { cut, ReplaceHost } from "./replace-host.ts";

const tag = "ec2-backup:root-replacement";
const other = "i-0fa00000000000003";
const itsRoot = "vol-0fa00000000000003";
const snapshot = "snap-0fa00000000000003";

/** Another instance of the zone, whose root has a snapshot. */
function beside(scenario: Scenario): Partial<Scenario> {
  const attachments = [{ instance: other, device: "/dev/xvda", deleteOnTermination: true }];
  return {
    instances: [...(scenario.instances ?? []), { id: other, name: "other", lifecycle: null }],
    volumes: [...(scenario.volumes ?? []), { id: itsRoot, size: 1, attachments }],
    snapshots: [
      ...(scenario.snapshots ?? []),
      { id: snapshot, volumeId: itsRoot, volumeSize: 1, state: "completed" },
    ],
  };
}

const words = ["root", "--instance", other, "--from", snapshot];
const undo = ["--undo", "--instance", other, "--yes"];
const made = { kind: "hang-after", action: "CreateVolume" } as const;

async function stateOf(host: ReplaceHost) {
  const { instances } = await host.bench.simulator.control.state();
  const roots = (await host.volumes()).filter(({ attachments }) =>
    attachments.some((one) => one.instance === other && one.device === "/dev/xvda"),
  );
  return {
    roots: roots.map(({ id }) => id),
    state: instances[other]?.state,
    mark: instances[other]?.tags[tag],
  };
}

test("a root that EC2 has exchanged meanwhile is not exchanged by what was made for the one before", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: beside });
  await cut(host, [...words, "--stop", "--yes"], made, "SIGKILL");
  const byTask = await host.replace([...words, "--yes"]);
  expect(byTask.told.result, byTask.stdout + byTask.stderr).toMatchObject({ outcome: "done" });
  const now = await stateOf(host);
  const tags = (await host.volume(itsRoot))?.tags;
  expect(tags).toMatchObject({ "ec2-backup:replaced-by": now.roots[0] });

  const again = await host.replace([...words, "--stop", "--yes"]);
  expect([again.code, again.told.plan?.refusals[0]?.found], again.stdout).toEqual([
    2,
    expect.stringContaining(`/dev/xvda is held by ${now.roots[0]}`),
  ]);
  expect(await stateOf(host)).toEqual({ ...now, mark: undefined });
  expect((await host.volume(itsRoot))?.tags).toEqual(tags);
  const undone = await host.replace(undo);
  expect(undone.code, undone.stdout + undone.stderr).toBe(0);
  expect(await host.made()).toEqual([]);
  const anew = await host.replace([...words, "--stop", "--label", "anew", "--yes"]);
  expect(anew.told.result, anew.stdout + anew.stderr).toMatchObject({ outcome: "done" });
  expect(await stateOf(host)).toMatchObject({ state: "running", mark: undefined });
});

test("--undo lets captures go on also where another volume is the root by now", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: beside });
  const { control } = host.bench.simulator;
  const lost = { kind: "hang", action: "AttachVolume", dryRun: false } as const;
  await cut(host, [...words, "--stop", "--yes"], lost, "SIGKILL");
  expect(await stateOf(host)).toMatchObject({ roots: [], state: "stopped", mark: expect.anything() });
  const third = "vol-0fa00000000000033";
  await control.volumes([{ create: { id: third, size: 1 } }]);
  await control.volumes({ attach: { volume: third, instance: other, device: "/dev/xvda" } });
  const undone = await host.replace(undo);
  expect(undone.code, undone.stdout + undone.stderr).toBe(0);
  expect(undone.stdout).toContain(`held by ${third}`);
  expect(await stateOf(host)).toEqual({ roots: [third], state: "running", mark: undefined });
  expect((await host.volume(itsRoot))?.tags["ec2-backup:replaced-by"]).toBeUndefined();
});

test.for(["CreateTags", "StopInstances", "StartInstances"])(
  "told to stop while EC2 has yet to carry out %s, it leaves the instance running with its old root",
  async (action, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await ReplaceHost.start({ scenario: beside });
    const late = { kind: "delay", ms: 1_000, action, dryRun: false } as const;
    // Where going back begins before the start, that comes in the middle.
    const slow = { ...late, ms: 2_000, action: "DetachVolume", skip: 1 };
    host.bench.simulator.control.faults([slow]);
    const ended = await cut(host, [...words, "--stop", "--yes"], late, "SIGINT");
    const story = ended.stdout + ended.stderr;
    expect([ended.code, ended.told.result?.outcome], story).toEqual([130, "rolled-back"]);
    await pause(1_500);
    expect(await stateOf(host), story).toEqual({ roots: [itsRoot], state: "running", mark: undefined });
  },
);

test("the mark of EC2's task stays, whatever else was begun and is undone", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: beside });
  const { control } = host.bench.simulator;
  const stop = (label: string) => [...words, "--stop", "--label", label, "--yes"];
  await cut(host, stop("x"), made, "SIGKILL");
  const [left] = await host.made();
  expect(left?.attachments).toEqual([]);
  // Another host gave the order meanwhile.
  const mark = `by=task id=root-0a point=p old=${itsRoot} snap=${snapshot} at=${new Date().toISOString()}`;
  await control.instances({ change: { instance: other, tags: { [tag]: mark } } });
  for (const label of ["x", "y"]) {
    const refused = await host.replace(stop(label));
    const found = refused.told.plan?.refusals.map((one) => one.found).join();
    expect([refused.code, found], refused.stdout).toEqual([2, expect.stringContaining("root of")]);
  }
  expect((await host.made()).map(({ id }) => id)).toEqual([left?.id]);
  const undone = await host.replace(undo);
  expect(undone.code, undone.stdout + undone.stderr).toBe(0);
  expect(await host.made()).toEqual([]);
  expect(await stateOf(host)).toEqual({ roots: [itsRoot], state: "running", mark });
});

test("an order is judged by EC2's clock, also if this host's is days ahead", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const start = new Date(Date.now() - 2 * 86_400_000).toISOString();
  await using host = await ReplaceHost.start({ scenario: () => ({ clock: { start, speed: 1 } }) });
  const { control } = host.bench.simulator;
  const never = { kind: "hang", action: "CreateReplaceRootVolumeTask", dryRun: false } as const;
  await cut(host, ["root", "--yes"], never, "SIGKILL");
  const marked = async () => (await control.state()).instances[instance.id]?.tags[tag];
  expect(await marked()).toContain("by=task");
  const early = await host.bench.run();
  expect([early.code, early.report.problems[0]?.code], early.stdout).toEqual([75, "RootNotConfirmed"]);
  await control.clock({ advance: "20m" });
  const run = await host.bench.run();
  expect(
    run.report.problems.map(({ code }) => code),
    run.stdout,
  ).toContain("RootNotReplaced");
  expect(run.report.points).toHaveLength(1);
  expect(await marked()).toBeUndefined();
});
