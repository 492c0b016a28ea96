import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { need } from "../host/places.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { cut, cutAfter, dataVolume, ReplaceHost } from "./replace-host.ts";

/** EC2 takes its time to detach a volume. */
const slowly = ({ times }: Scenario) => ({ times: { ...times, detach: 3 } });

/** All is as it was before anything was replaced, and stays so. */
async function expectAsBefore(host: ReplaceHost, story: string): Promise<void> {
  const there = (await host.volumes()).filter(({ attachments }) =>
    attachments.some(({ device }) => device === "/dev/sdf"),
  );
  expect(there, story).toMatchObject([
    { id: dataVolume, attachments: [{ state: "attached", deleteOnTermination: true }] },
  ]);
  expect(there[0]?.tags, story).toEqual({});
  expect(await host.content(), story).toBe("as it is");
}

test("told to stop while the old volume is being detached, it brings that back", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: slowly });
  await host.mount();
  const ended = await cutAfter(host, ["--yes"], "DetachVolume", "SIGINT");
  const story = ended.stdout + ended.stderr;
  expect(ended.told.result, story).toMatchObject({ outcome: "rolled-back" });
  expect(ended.code, story).toBe(130);
  await expectAsBefore(host, story);
  expect(await host.made(), story).toEqual([]);
});

test("--undo waits for the old volume where it is still being detached", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ scenario: slowly });
  await host.mount();
  await cutAfter(host, ["--yes"], "DetachVolume", "SIGKILL");
  const undone = await host.replace(["--undo", "--yes"]);
  const story = undone.stdout + undone.stderr;
  expect(undone.told.results, story).toMatchObject([{ outcome: "undone" }]);
  await expectAsBefore(host, story);
});

/** EC2 carries it out a while after it was asked, whatever has become of who asked. */
const late = (action: string, count = 1) =>
  ({ kind: "delay", ms: 1_000, action, dryRun: false, count }) as const;

test.for(["CreateTags", "DetachVolume", "AttachVolume"])(
  "told to stop while EC2 has yet to carry out %s, it goes back only when that is done",
  async (action, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await ReplaceHost.start();
    await host.mount();
    // What comes after the signal is as slow as what came before it.
    const ended = await cut(host, ["--yes"], late(action, 2), "SIGINT");
    const story = ended.stdout + ended.stderr;
    expect(ended.told.result, story).toMatchObject({ outcome: "rolled-back" });
    expect(ended.code, story).toBe(130);
    await pause(1_500);
    await expectAsBefore(host, story);
  },
);

test("told to stop while a volume is being made, it removes that, though EC2 shows it only later", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({
    scenario: ({ times }) => ({ times: { ...times, createVolume: 2 } }),
  });
  await host.mount();
  host.bench.simulator.control.faults([{ kind: "invisible", seconds: 1, action: "CreateVolume" }]);
  const ended = await cut(host, ["--yes"], late("CreateVolume"), "SIGINT");
  const story = ended.stdout + ended.stderr;
  expect(ended.told.result, story).toMatchObject({
    outcome: "not-begun",
    notes: [expect.stringMatching(/^the new volume vol-\w+ is removed$/)],
  });
  expect(ended.code, story).toBe(130);
  await pause(1_500);
  await expectAsBefore(host, story);
  expect(await host.made(), story).toEqual([]);
});
