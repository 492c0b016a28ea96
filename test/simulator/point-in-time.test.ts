import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateSnapshotsCommand, DeleteSnapshotCommand } from "@aws-sdk/client-ec2";
import { expect, onTestFinished, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { folder, need, node } from "../host/places.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed, sh } from "../system/loop-disks.ts";
import { instance, type Simulation, simulate } from "./simulate.ts";

/** A filesystem of one test, and a simulator whose volumes lie in files on it. */
async function bench(
  filesystem: "btrfs" | "xfs",
  files: (at: string) => Promise<string[]>,
  more: Scenario = {},
) {
  const disks = await LoopDisks.start();
  onTestFinished(() => disks[Symbol.asyncDispose]());
  const device = await disks.attach(await disks.file("backing", 512));
  await disks.format(device, filesystem);
  const at = await disks.mount(device, "bench");
  const named = await files(at);
  const simulation = await simulate({
    limits: false,
    settle: { seconds: 0 },
    volumes: named.map((file, index) => ({
      size: 1,
      file,
      attachments: [{ instance, device: `/dev/sd${"fgh"[index]}` }],
    })),
    snapshotData: path.join(at, "snapshots"),
    ...more,
  });
  return { disks, at, named, simulation };
}

async function take({ ec2, control }: Simulation) {
  const { Snapshots = [] } = await ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }),
  );
  const { snapshots } = await control.state();
  return Snapshots.map(({ SnapshotId = "" }) => ({ id: SnapshotId, ...snapshots[SnapshotId] }));
}

async function empty(at: string, ...names: string[]): Promise<string[]> {
  const files = names.map((name) => path.join(at, name));
  for (const file of files) await writeFile(file, Buffer.alloc(1_048_576));
  return files;
}

async function firstNumber(file: string | null | undefined): Promise<number> {
  const handle = await open(file ?? "", "r");
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  await handle.close();
  return buffer.readUInt32LE();
}

test("files in one subvolume are taken at one instant while they are written", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const { at, named, simulation } = await bench("btrfs", async (where) => {
    await sh("btrfs", "subvolume", "create", path.join(where, "volumes"));
    return await empty(path.join(where, "volumes"), "first", "second");
  });
  const [program = "", ...words] = [
    ...node,
    path.join(import.meta.dirname, "alternating-writer.ts"),
    ...named,
  ];
  const writer = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    const gone = once(writer, "exit");
    writer.kill("SIGKILL");
    await gone;
  });
  await once(writer.stdout, "data");
  let last = 0;
  for (let round = 0; round < 10; round++) {
    // A writer that has not got on writes no other snapshot.
    while ((await firstNumber(named[0])) <= last) await sleep(1);
    const before = await firstNumber(named[1]);
    const taken = await take(simulation);
    const after = await firstNumber(named[0]);
    expect(taken.map((one) => one.pointInTime)).toEqual([true, true]);
    const [first = 0, second = 0] = await Promise.all(taken.map((one) => firstNumber(one.file)));
    expect([second, second + 1]).toContain(first);
    expect(second).toBeGreaterThanOrEqual(before);
    expect(first).toBeLessThanOrEqual(after);
    expect(first).toBeGreaterThan(last);
    last = first;
  }
  expect(await readdir(path.join(at, "volumes"), { recursive: false })).toEqual(["first", "second"]);
});

test("a loop device stands for its file: what its filesystem has only in memory is not in the snapshot", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const mark = "a line that nobody has synced";
  let mounted = "";
  const { disks, simulation } = await bench("btrfs", async (at) => {
    const file = path.join(at, "volume");
    await sh("truncate", "-s", "64M", file);
    return [file];
  });
  const [file = ""] = [path.join(disks.directory, "bench", "volume")];
  const device = await disks.attach(file);
  await disks.format(device, "ext4");
  mounted = await disks.mount(device, "mounted");
  await sh("sync");
  await simulation.control.volumes({
    create: { size: 1, file: device, attachments: [{ instance, device: "/dev/sdg" }] },
  });
  const holds = async () => {
    const taken = await take(simulation);
    const found = await Promise.all(
      taken.map(async (one) => (await readFile(one.file ?? "")).includes(mark)),
    );
    return { found, pointInTime: taken.map((one) => one.pointInTime) };
  };
  await writeFile(path.join(mounted, "file"), mark);
  expect(await holds()).toEqual({ found: [false, false], pointInTime: [true, true] });
  await sh("fsfreeze", "-f", mounted);
  const frozen = await holds().finally(() => sh("fsfreeze", "-u", mounted));
  expect(frozen).toEqual({ found: [true, true], pointInTime: [true, true] });
});

test("elsewhere one file can be cloned at an instant, several only one after another, and it is said", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const { named, simulation } = await bench("xfs", (at) => empty(at, "first"));
  expect(await take(simulation)).toEqual([expect.objectContaining({ pointInTime: true })]);
  await simulation.control.volumes({
    create: { size: 1, file: named[0], attachments: [{ instance, device: "/dev/sdg" }] },
  });
  expect((await take(simulation)).map((one) => one.pointInTime)).toEqual([false, false]);
});

test("on a filesystem that cannot share blocks, copies are made and said to be of no instant", async () => {
  const directory = await folder();
  const [file = ""] = await empty(directory, "volume");
  const simulation = await simulate({
    volumes: [{ size: 1, file, attachments: [{ instance, device: "/dev/sdf" }] }],
    snapshotData: path.join(directory, "named", "directory"),
  });
  const [taken] = await take(simulation);
  expect(taken?.file).toBe(path.join(directory, "named", "directory", `${taken?.id}.img`));
  expect(typeof taken?.pointInTime).toBe("boolean");
});

test("copies go with their snapshots, with a reset and with the simulator, and foreign files stay", async () => {
  const directory = await folder();
  const data = path.join(directory, "data");
  await mkdir(data);
  await writeFile(path.join(data, "mine.img"), "");
  const [file = ""] = await empty(directory, "volume");
  const simulation = await simulate({
    limits: false,
    settle: { seconds: 0 },
    volumes: [{ size: 1, file, attachments: [{ instance, device: "/dev/sdf" }] }],
    snapshotData: data,
  });
  const [first] = await take(simulation);
  const [second] = await take(simulation);
  await simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: first?.id ?? "" }));
  expect((await readdir(data)).sort()).toEqual(["mine.img", `${second?.id}.img`]);
  simulation.control.reset();
  expect(await readdir(data)).toEqual(["mine.img"]);
  await take(simulation);
  await simulation.simulator.close();
  expect(await readdir(data)).toEqual(["mine.img"]);
});

test("an answer that is lost after the call took effect leaves its copies", async () => {
  const [file = ""] = await empty(await folder(), "volume");
  const simulation = await simulate({
    volumes: [{ size: 1, file, attachments: [{ instance, device: "/dev/sdf" }] }],
  });
  simulation.control.faults([{ kind: "reset-after", action: "CreateSnapshots" }]);
  await expect(take(simulation)).rejects.toThrow();
  const { snapshots } = await simulation.control.state();
  const made = Object.values(snapshots).filter((one) => one.file !== null);
  expect(made.map((one) => existsSync(one.file ?? ""))).toEqual([true]);
});
