import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { cut, dataVolume, killed, kinds, ReplaceHost, secondVolume, seed, soak } from "./replace-host.ts";

test("a data volume is swapped in place, mounted as it was, and back again", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount("-o", "noatime,nosuid,data=ordered");
  expect(await host.content()).toBe("as it is");
  const before = await host.mounted();

  const plan = await host.replace([]);
  expect(plan.code, plan.stdout + plan.stderr).toBe(0);
  expect(plan.told.plan?.swaps).toMatchObject([{ old: dataVolume, device: "/dev/sdf" }]);
  expect(plan.told.plan?.notes.join()).toContain("not in /etc/fstab");
  expect(await host.made()).toEqual([]);

  const done = await host.replace(["--yes"]);
  expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome: "done" });
  expect(done.code).toBe(0);
  expect(await host.content()).toBe("as it was");
  expect((await host.mounted()).replace(/^\S+/, "")).toBe(before.replace(/^\S+/, ""));
  const [fresh] = await host.made();
  expect(fresh?.attachments).toMatchObject([{ device: "/dev/sdf", deleteOnTermination: true }]);
  const old = await host.volume(dataVolume);
  expect(old?.attachments).toEqual([]);
  expect(old?.tags).toMatchObject({ "ec2-backup:replaced-by": fresh?.id, Backup: "no" });

  const again = await host.replace(["--yes"]);
  expect([again.code, again.told.result?.outcome]).toEqual([0, "was-done"]);
  expect(await host.made()).toHaveLength(1);
  const volumes = await host.bench.execute([
    ...["--json", "--config", host.bench.config, "restore", "volumes", "--undo", "--yes"],
    ...["--restore", plan.told.plan?.id ?? ""],
  ]);
  expect(volumes.stdout).toContain('"left"');

  const back = await host.replace(["--undo", "--restore", plan.told.plan?.id ?? "", "--yes"]);
  expect(back.told.results, back.stdout + back.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await host.content()).toBe("as it is");
  expect((await host.volume(dataVolume))?.tags).toEqual({});
  expect((await host.volume(dataVolume))?.attachments).toMatchObject([{ deleteOnTermination: true }]);
  expect(await host.made()).toMatchObject([{ id: fresh?.id, attachments: [] }]);
  const refused = await host.replace(["--yes"]);
  expect(refused.told.plan?.refusals[0]?.found).toContain("was undone");
});

test("a btrfs over two volumes is swapped as a set, and a part of it is refused", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start({ pool: true });
  await host.sh(
    "btrfs",
    "device",
    "scan",
    await host.guest.device(secondVolume),
    await host.guest.device(dataVolume),
  );
  await host.mount();
  const part = await host.replace([dataVolume, "--yes"]);
  expect([part.code, part.told.plan?.refusals[0]?.found], part.stdout).toEqual([
    2,
    expect.stringMatching(/rests on loop\d+ as well/),
  ]);
  const done = await host.replace(["--yes"]);
  expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome: "done" });
  expect(await host.content()).toBe("as it was");
  expect(await host.made()).toHaveLength(2);
  const undo = ["--undo", "--restore", done.told.plan?.id ?? "", "--yes"];
  // Killed when one of the two has no marks any more.
  await cut(host, undo, { kind: "hang", action: "DeleteTags", dryRun: false, skip: 1 }, "SIGKILL");
  const back = await host.replace(["--undo", "--yes"]);
  expect(back.told.results, back.stdout + back.stderr).toMatchObject([{ outcome: "undone" }]);
  expect(await host.content()).toBe("as it is");
  expect((await host.volume(secondVolume))?.tags).toEqual({});
});

test("a mount in use is refused by the name of its user, and nothing is changed", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount();
  const busy = host.sh("sh", "-c", `cd ${host.mountedAt}; sleep 30`).catch(() => undefined);
  await expect.poll(() => host.sh("sh", "-c", `fuser -m ${host.mountedAt} 2>/dev/null; true`)).not.toBe("");
  const calls = host.bench.apiCalls().length;
  const refused = await host.replace(["--yes"]);
  expect(refused.code, refused.stdout).toBe(2);
  expect(refused.told.plan?.refusals[0]?.found).toMatch(
    /is used by sleep \(process \d+, works there\)|sh \(process/,
  );
  const changed = host.bench.apiCalls().slice(calls);
  expect(changed.filter(({ action }) => !action.startsWith("Describe"))).toEqual([]);
  expect(await host.content()).toBe("as it is");
  await host.sh("fuser", "-k", "-m", host.mountedAt).catch(() => undefined);
  await busy;
});

test("a run that is at work is waited for by nobody: the swap is refused; and the other way round", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount();
  const { control } = host.bench.simulator;
  control.faults([{ kind: "delay", ms: 4_000, action: "AttachVolume", dryRun: false }]);
  const swapping = host.replace(["--yes"]);
  await expect
    .poll(() => control.calls().some(({ action }) => action === "DetachVolume"), { timeout: 60_000 })
    .toBe(true);
  const run = await host.bench.run();
  expect([run.code, run.report.problems[0]?.kind], run.stdout).toEqual([75, "locked"]);
  expect((await swapping).told.result).toMatchObject({ outcome: "done" });
  const next = await host.bench.run();
  expect([next.code, next.report.problems.map(({ code }) => code)], next.stdout).toEqual([
    0,
    ["VolumeReplaced"],
  ]);
});

const changes = ["CreateVolume", "CreateTags", "DetachVolume", "AttachVolume", "ModifyInstanceAttribute"];
const passing = ["throttle", "500", "hang", "reset-after"] as const;
const blows = shuffled(
  changes.flatMap((action) => passing.map((kind) => ({ action, kind }))),
  chanceOf(seed),
).slice(0, soak ? undefined : 1);

test.for(blows)(
  "$action answered by $kind once: it is done all the same",
  async ({ action, kind }, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await ReplaceHost.start();
    await host.mount();
    host.bench.simulator.control.faults([{ kind, action, dryRun: false }]);
    const done = await host.replace(["--yes"]);
    expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome: "done" });
    expect(await host.content()).toBe("as it was");
    expect(await host.made()).toHaveLength(1);
  },
);

test("what EC2 refuses is taken back by itself, with the old data mounted as before", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount("-o", "noatime");
  const before = (await host.mounted()).replace(/^\S+/, "");
  const { control } = host.bench.simulator;
  const no = {
    kind: "error",
    code: "InvalidParameterValue",
    status: 400,
    message: "no",
    dryRun: false,
  } as const;
  control.faults([{ ...no, action: "AttachVolume", count: 1 }]);
  const back = await host.replace(["--yes"]);
  expect(back.told.result, back.stdout + back.stderr).toMatchObject({ outcome: "rolled-back" });
  expect(back.code).toBe(2);
  expect(await host.content()).toBe("as it is");
  expect((await host.mounted()).replace(/^\S+/, "")).toBe(before);
  expect((await host.volume(dataVolume))?.tags).toEqual({});
  expect((await host.volume(dataVolume))?.attachments).toMatchObject([{ deleteOnTermination: true }]);
  expect(await host.made()).toEqual([]);
  control.clearFaults();
  control.faults([{ kind: "denied", action: "AttachVolume", dryRun: true, count: "always" }]);
  const denied = await host.replace(["--yes"]);
  expect([denied.code, denied.told.error?.found], denied.stdout).toEqual([
    77,
    expect.stringContaining("ec2:AttachVolume"),
  ]);
  expect(await host.made()).toEqual([]);
  control.clearFaults();
  control.faults([{ ...no, action: "ModifyInstanceAttribute", count: 1 }]);
  const kept = await host.replace(["--keep-new", "--yes"]);
  expect(kept.told.result, kept.stdout + kept.stderr).toMatchObject({ outcome: "rolled-back" });
  const [fresh] = await host.made();
  const done = await host.replace(["--yes"]);
  expect(done.told.result, done.stdout + done.stderr).toMatchObject({
    outcome: "done",
    volumes: [{ fresh: fresh?.id }],
  });
}, 120_000);

/** From the first call that is of this command alone; the last ones never come, and disturb nothing. */
const places = Array.from({ length: 34 }, (_, index) => index + 6);
const rounds = shuffled(
  places.flatMap((index) => kinds.map((kind) => ({ index, kind }))),
  chanceOf(seed),
).slice(0, soak ? undefined : 2);

test("a swap that is killed at any call is finished, or taken back, by the next command", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await ReplaceHost.start();
  await host.mount("-o", "noatime");
  const options = (await host.mounted()).replace(/^\S+/, "");
  let says = "as it is";
  for (const [round, { index, kind }] of rounds.entries()) {
    const all = ["--label", `round-${round}`, "--yes"];
    const where = `killed at call ${index} (${kind}), round ${round}`;
    await killed(host, all, { index, kind });
    if (round % 2 === 0) {
      const next = await host.replace(all);
      expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
      says = "as it was";
    } else {
      const undone = await host.replace(["--undo", "--yes"]);
      expect(undone.code, `${where}: ${undone.stdout}${undone.stderr}`).toBe(0);
      // It had come to its end before: there was nothing to take back.
      if (undone.told.swaps?.length === 0 && (await host.content()) === "as it was") says = "as it was";
    }
    expect(await host.content(), where).toBe(says);
    expect((await host.mounted()).replace(/^\S+/, ""), where).toBe(options);
    const volumes = await host.volumes();
    expect(
      volumes.map(({ id }) => id),
      where,
    ).toContain(dataVolume);
    const there = volumes.filter(({ attachments }) => attachments.some((one) => one.device === "/dev/sdf"));
    expect(
      there.map(({ attachments }) => attachments),
      where,
    ).toMatchObject([[{ state: "attached", deleteOnTermination: true }]]);
    says = `of round ${round}`;
    await host.sh("sh", "-c", `printf '${says}\n' > ${host.mountedAt}/sentinel; sync -f ${host.mountedAt}`);
  }
}, 1_200_000);
