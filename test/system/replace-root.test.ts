import { cp, rm } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { need } from "../host/places.ts";
import type { Report } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { instance } from "./history.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { killed, kinds, ReplaceHost, rootVolume, seed, soak } from "./replace-host.ts";

const tag = "ec2-backup:root-replacement";

async function tagsOfInstance(host: ReplaceHost, id = instance.id) {
  return (await host.bench.simulator.control.state()).instances[id]?.tags ?? {};
}

async function rootOf(host: ReplaceHost, id = instance.id): Promise<string | undefined> {
  const device = (await host.bench.simulator.control.state()).instances[id]?.rootDeviceName;
  return (await host.volumes()).find(({ attachments }) =>
    attachments.some((one) => one.instance === id && one.device === device),
  )?.id;
}

test("EC2 exchanges this host's root; nothing is captured until that is confirmed, by the older state too", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const boots: number[] = [];
  const aside = { from: "", to: "" };
  await using host = await ReplaceHost.start({
    scenario: ({ times }) => ({ times: { ...times, replaceRoot: 600 } }),
    async onBoot(count) {
      boots.push(count);
      // What a root volume of an older point brings with it.
      await rm(aside.to, { recursive: true });
      await cp(aside.from, aside.to, { recursive: true });
    },
  });
  aside.to = host.bench.state;
  aside.from = path.join(host.bench.folder, "older");
  await cp(aside.to, aside.from, { recursive: true });

  const plan = await host.replace(["root"]);
  expect(plan.told.plan?.notes.join(), plan.stdout + plan.stderr).toContain("REBOOTED");
  const ordered = await host.replace(["root", "--yes"]);
  expect(ordered.told.result, ordered.stdout + ordered.stderr).toMatchObject({ outcome: "rebooting" });
  expect(ordered.stderr).toContain("will be rebooted");
  expect((await tagsOfInstance(host))[tag]).toContain(`old=${rootVolume}`);

  const early = await host.bench.run();
  expect([early.code, early.report.problems[0]?.code], early.stdout).toEqual([75, "RootNotConfirmed"]);
  const again = await host.replace(["root", "--yes"]);
  expect(again.told.result, again.stdout).toMatchObject({
    outcome: "rebooting",
    task: ordered.told.result?.task,
  });
  expect(Object.keys((await host.bench.simulator.control.state()).rootTasks)).toHaveLength(1);
  expect(boots).toEqual([]);

  await host.bench.simulator.control.clock({ advance: "10m" });
  await expect.poll(() => boots.length, { timeout: 60_000 }).toBe(1);
  const fresh = await rootOf(host);
  expect(fresh).not.toBe(rootVolume);
  const run = await host.bench.run();
  expect(codesOf(run.report), run.stdout).toEqual([
    "notice RootReplaced",
    // The host's clock did not go forward with EC2's.
    "warning ClockSkew",
    "notice VolumeReplaced",
  ]);
  expect([run.code, run.report.points.length]).toEqual([0, 1]);
  expect((await tagsOfInstance(host))[tag]).toBeUndefined();
  expect((await host.volume(rootVolume))?.tags).toMatchObject({
    "ec2-backup:replaced-by": fresh,
    Backup: "no",
  });
  const once = await host.replace(["root", "--point", pointOf(plan.stdout), "--yes"]);
  expect(once.told.result, once.stdout).toMatchObject({ outcome: "was-done" });
  expect(Object.keys((await host.bench.simulator.control.state()).rootTasks)).toHaveLength(1);
});

function codesOf({ problems }: Report): string[] {
  return problems.map(({ severity, code }) => `${severity} ${code}`);
}

function pointOf(stdout: string): string {
  return (JSON.parse(stdout) as { plan: { point: { id: string } } }).plan.point.id;
}

test("a task that fails is told by the next run, which captures; a refusal leaves no mark", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  const { control } = host.bench.simulator;
  control.faults([
    {
      kind: "error",
      action: "CreateReplaceRootVolumeTask",
      dryRun: false,
      code: "InvalidParameterValue",
      status: 400,
      message: "no",
      count: "always",
    },
  ]);
  const refused = await host.replace(["root", "--yes"]);
  expect(refused.told.result, refused.stdout).toMatchObject({
    outcome: "not-begun",
    failure: { code: "InvalidParameterValue" },
  });
  expect((await tagsOfInstance(host))[tag]).toBeUndefined();
  control.clearFaults();
  control.faults([{ kind: "partial", action: "CreateReplaceRootVolumeTask", dryRun: false }]);
  const ordered = await host.replace(["root", "--yes"]);
  expect(ordered.told.result, ordered.stdout).toMatchObject({ outcome: "rebooting" });
  await expect
    .poll(async () => Object.values((await control.state()).rootTasks)[0]?.state, { timeout: 60_000 })
    .toBe("failed");
  const run = await host.bench.run();
  expect(codesOf(run.report)).toContain("error RootNotReplaced");
  expect(run.report.points).toHaveLength(1);
  expect(await rootOf(host)).toBe(rootVolume);
  expect((await tagsOfInstance(host))[tag]).toBeUndefined();
});

const other = "i-0fa00000000000002";
const itsRoot = "vol-0fa00000000000002";

/** Another instance of the zone, whose root has a snapshot. */
function beside(tags: Record<string, string> = {}, lifecycle: "spot" | null = null) {
  return (scenario: Scenario): Partial<Scenario> => ({
    instances: [...(scenario.instances ?? []), { id: other, name: "other", tags, lifecycle }],
    volumes: [
      ...(scenario.volumes ?? []),
      {
        id: itsRoot,
        size: 1,
        attachments: [{ instance: other, device: "/dev/xvda", deleteOnTermination: true }],
      },
    ],
    snapshots: [
      ...(scenario.snapshots ?? []),
      { id: "snap-0fa00000000000002", volumeId: itsRoot, volumeSize: 1, state: "completed" },
    ],
  });
}

const words = ["root", "--instance", other, "--from", "snap-0fa00000000000002"];

async function stateOf(host: ReplaceHost) {
  const { instances } = await host.bench.simulator.control.state();
  const root = await rootOf(host, other);
  return { root, state: instances[other]?.state, tag: instances[other]?.tags[tag] };
}

test("the root of another instance: by EC2, or stopped, exchanged and started; and back", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: beside() });
  const byTask = await host.replace([...words, "--yes"]);
  expect(byTask.told.result, byTask.stdout + byTask.stderr).toMatchObject({ outcome: "done" });
  const second = (await stateOf(host)).root ?? "";
  expect(second).not.toBe(itsRoot);
  expect((await host.volume(itsRoot))?.tags).toMatchObject({ "ec2-backup:replaced-by": second });

  const byHand = await host.replace([...words, "--stop", "--yes"]);
  expect(byHand.told.result, byHand.stdout + byHand.stderr).toMatchObject({ outcome: "done" });
  const third = byHand.told.result?.volumes[0]?.fresh;
  expect(await stateOf(host)).toEqual({ root: third, state: "running", tag: undefined });
  const undo = ["--undo", "--instance", other, "--restore", byHand.told.plan?.id ?? "", "--yes"];
  const back = await host.replace(undo);
  expect(back.told.results, back.stdout + back.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await stateOf(host)).toEqual({ root: second, state: "running", tag: undefined });
});

test("instances that a stop could lose, and this one, are refused", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const scenario = beside({ "aws:autoscaling:groupName": "web" }, "spot");
  await using host = await ReplaceHost.start({ scenario });
  const refused = await host.replace([...words, "--stop", "--yes"]);
  const found = refused.told.plan?.refusals.map((one) => one.found).join("; ");
  expect([refused.code, found]).toEqual([2, expect.stringContaining("Auto Scaling group web")]);
  expect(found).toContain("spot instance");
  const own = await host.replace(["root", "--stop", "--yes"]);
  expect(own.told.plan?.refusals[0]?.found).toContain("stop this host");
  expect(await host.made()).toEqual([]);
});

test("an exchange from outside that is killed at any call is finished or taken back", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: beside() });
  const places = Array.from({ length: 36 }, (_, index) => index + 6);
  const chance = chanceOf(seed);
  const rounds = shuffled(
    places.flatMap((index) => kinds.map((kind) => ({ index, kind }))),
    chance,
  ).slice(0, soak ? undefined : 2);
  for (const [round, { index, kind }] of rounds.entries()) {
    const all = [...words, "--stop", "--label", `round-${round}`, "--yes"];
    const back = ["--undo", "--instance", other];
    // The second command dies as well, every other time.
    const again = chance() < 0.5 ? undefined : 6 + Math.floor(chance() * places.length);
    const where = `killed at call ${index} (${kind}), then at ${again ?? "none"}, round ${round}`;
    await killed(host, all, { index, kind });
    if (again !== undefined)
      await killed(host, round % 2 === 0 ? all : [...back, "--yes"], { index: again, kind });
    if (round % 2 === 0) {
      const next = await host.replace(all);
      expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
      const root = next.told.result?.volumes[0]?.fresh;
      expect(await stateOf(host), where).toEqual({ root, state: "running", tag: undefined });
    } else {
      const undone = await host.replace([...back, "--yes"]);
      expect(undone.code, `${where}: ${undone.stdout}${undone.stderr}`).toBe(0);
    }
    const root = (await stateOf(host)).root ?? "";
    if (root !== itsRoot) {
      // It had come to its end.
      const id = (await host.volume(root))?.tags["ec2-backup:restore"] ?? "";
      const undone = await host.replace([...back, "--restore", id, "--yes"]);
      expect(undone.code, `${where}: ${undone.stdout}${undone.stderr}`).toBe(0);
    }
    expect(await stateOf(host), where).toEqual({ root: itsRoot, state: "running", tag: undefined });
  }
}, 900_000);
