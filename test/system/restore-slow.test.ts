import { readFile } from "node:fs/promises";
import path from "node:path";
import { DetachVolumeCommand, EC2Client } from "@aws-sdk/client-ec2";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { need } from "../host/places.ts";
import { instance } from "./history.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { type HostChange, RestoreHost } from "./restore-host.ts";
import { RestoreWithin } from "./restore-within.ts";

const keys = { accessKeyId: "AKIABLOCKBENCH00001", secretAccessKey: "secret" };
const accessKeys = [{ id: keys.accessKeyId, user: "tester" }];

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

async function stage({ world, ...change }: HostChange = {}) {
  const host = await RestoreHost.start({ ...change, world: { accessKeys, ...world } });
  onTestFinished(() => host[Symbol.asyncDispose]());
  const within = new RestoreWithin(host);
  onTestFinished(() => void vi.unstubAllEnvs());
  const before = await host.originals();
  const restored = async () => {
    const made = await host.made();
    expect(made.map(({ attachments }) => attachments.map(({ state }) => state))).toEqual([["attached"]]);
    expect(await readFile(path.join(host.mountedAt, "sentinel"), "utf8")).toBe("as it was\n");
    expect(await host.originals()).toBe(before);
    return made[0]?.attachments[0]?.device;
  };
  const undone = async () => {
    expect((await within.undo(await within.idOf(""))).map(({ outcome }) => outcome)).toEqual(["removed"]);
    expect([await host.made(), await host.originals()]).toEqual([[], before]);
  };
  /** What the remedies of those that are stuck tell. */
  const byForce = async () => {
    const ec2 = new EC2Client({
      endpoint: host.bench.simulator.url,
      region: "eu-central-1",
      credentials: keys,
    });
    const [made] = await host.made();
    await ec2.send(new DetachVolumeCommand({ VolumeId: made?.id, Force: true }));
    await expect.poll(async () => (await host.made())[0]?.attachments, { timeout: 60_000 }).toEqual([]);
    ec2.destroy();
  };
  return { host, within, restored, undone, byForce, control: host.bench.simulator.control };
}

test("what EC2 shows a while later, and disks that come, are named and go late, keep nothing from its end", async () => {
  const { within, restored, undone } = await stage({
    world: { consistency: { seconds: 1 } },
    guest: { appears: 600, linked: 400, leaves: 400, namespaces: true },
  });
  expect(await within.volumes()).toMatchObject({ outcome: "done", notMounted: [] });
  await restored();
  expect(await within.volumes()).toMatchObject({ outcome: "was-done" });
  await undone();
});

test("a volume whose disk does not come in time is found by the next invocation", async () => {
  const { within, restored, undone } = await stage({ guest: { appears: 1_500 } });
  expect(await within.volumes({ waits: { diskFor: 300 } })).toMatchObject({
    outcome: "unfinished",
    failure: { kind: "not-found", remedy: expect.stringContaining("lsblk -o NAME,SIZE,SERIAL") },
    volumes: [{ step: "attached" }],
  });
  expect(await within.volumes()).toMatchObject({ outcome: "done" });
  await restored();
  await undone();
});

test("an attachment that gets no further is told with the command, and the next invocation goes on", async () => {
  const { within, restored, undone, byForce, control } = await stage();
  control.faults([{ kind: "partial", action: "AttachVolume" }]);
  const stuck = {
    found: expect.stringContaining("still attaching"),
    remedy: expect.stringContaining("--force"),
  };
  expect(await within.volumes({ waits: { attachFor: 600 } })).toMatchObject({
    outcome: "unfinished",
    failure: stuck,
  });
  const undo = await within.undo(undefined, { detachFor: 600 });
  expect(undo).toMatchObject([{ outcome: "failed", failure: stuck }]);
  await byForce();
  expect(await within.volumes()).toMatchObject({ outcome: "done" });
  await restored();

  control.faults([{ kind: "partial", action: "DetachVolume" }]);
  expect(await within.undo(await within.idOf(""), { detachFor: 600 })).toMatchObject([
    { outcome: "failed", failure: { found: expect.stringContaining("still busy") } },
  ]);
  await byForce();
  await undone();
});

test("a device name that somebody takes meanwhile is replaced by a free one, and said", async () => {
  const { within, restored, undone, control } = await stage();
  const [free = ""] = await control.volumes([{ create: { id: "vol-0ee00000000000001", size: 1 } }]);
  control.faults([{ kind: "delay", action: "AttachVolume", ms: 600 }]);
  const restoring = within.volumes();
  const asked = () => control.calls().find(({ action }) => action === "AttachVolume");
  await expect.poll(asked, { timeout: 60_000, interval: 10 }).toBeDefined();
  const device = (asked()?.parameters as { Device?: string } | undefined)?.Device ?? "";
  await control.volumes([{ attach: { volume: free, instance: instance.id, device } }]);
  const { outcome, notes } = await restoring;
  expect(outcome).toBe("done");
  expect(notes).toContainEqual(expect.stringContaining(`since ${device} was taken meanwhile`));
  await control.volumes([{ detach: { volume: free } }, { delete: { volume: free } }]);
  expect(await restored()).not.toBe(device);
  await undone();
});

test.each(["vanishes", "error"] as const)(
  "a volume that EC2 cannot make (%s) is made once more, and nothing is left of the first",
  async (keyFault) => {
    const { within, restored, undone, control } = await stage({ world: { keyFault } });
    control.faults([{ kind: "partial", action: "CreateVolume" }]);
    expect(await within.volumes()).toMatchObject({ outcome: "done" });
    await restored();
    expect(control.calls().filter(({ action }) => action === "CreateVolume")).toHaveLength(2);
    await undone();
  },
);
