import { writeFile } from "node:fs/promises";
import path from "node:path";
import { AttachVolumeCommand, CreateVolumeCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import type { Permission } from "../../src/simulator/identity-policies.ts";
import { need } from "../host/places.ts";
import { keys } from "./alarm-stage.ts";
import { Bench } from "./bench.ts";
import { DrillHost, tree } from "./drill-host.ts";
import { instance, scenarioOf } from "./history.ts";
import { disagreements } from "./iam-agreement.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { asked, govern, notAllowed, ofPolicy, type Policy, policyNamed, superfluous } from "./policies.ts";
import { Machines, source } from "./restore-machines.ts";

const named = (...names: readonly string[]) => Promise.all(names.map(policyNamed));

/** EC2 asks KMS only where volumes are encrypted, which has a test of its own. */
const ofKeys = /Keys/;

test("drill: enough, and nothing is spare", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  await host.configure({ checks: { files: ["/srv/sentinel"] } });
  const policies = await named("drill");
  await govern(host.bench.simulator, policies);
  const { code, stdout, stderr } = await host.drill();
  expect(code, stdout + stderr).toBe(0);
  expect((await host.drill(["weekly", "--point", "snap-0123456789abcdef0"])).code).not.toBe(0);
  const needed = asked(host.bench.simulator);
  expect(notAllowed(policies, needed)).toEqual([]);
  expect(superfluous(policies, needed).filter((less) => !ofKeys.test(less))).toEqual([]);
  expect(await disagreements(policies, needed)).toEqual([]);
}, 60_000);

test.runIf(process.env["SOAK"] !== undefined)(
  "restore-instance beside restore: enough, and nothing is spare (SOAK=1: many restores)",
  async () => {
    const policies = await named("restore", "restore-instance");
    const [, own] = policies as [Policy, Policy];
    const needed: Permission[] = [];
    /** One restore of a machine: of one that is lost, or, broken off, of one that is still there. */
    const restored = async (on: Machines, lost: boolean): Promise<void> => {
      await using machines = on;
      const { control } = machines.bench.simulator;
      if (lost) await machines.lose();
      const file = path.join(machines.bench.folder, "user-data");
      await writeFile(file, source.userData);
      const since = control.calls().at(-1)?.number ?? 0;
      await govern(machines.bench.simulator, policies);
      const words = ["--instance", source.id, ...(lost ? ["--user-data", file] : []), "--yes"];
      if (!lost) control.faults([{ kind: "denied", action: "AttachVolume", count: "always" }]);
      const done = await machines.restore(words);
      control.clearFaults();
      const outcome = lost ? "done" : "unfinished";
      expect(done.told.result, done.stdout + done.stderr).toMatchObject({ outcome });
      const undone = await machines.restore(["--undo", "--yes"]);
      expect(undone.code, undone.stdout + undone.stderr).toBe(0);
      needed.push(...asked(machines.bench.simulator, since));
    };
    await restored(await Machines.start(), true);
    await restored(await Machines.start(windows, windowsImage), true);
    await restored(await Machines.start(windows, windowsImage), false);
    expect(notAllowed(policies, needed)).toEqual([]);
    expect(superfluous(policies, needed).filter(ofPolicy(own))).toEqual([]);
    expect(await disagreements(policies, needed)).toEqual([]);
  },
  120_000,
);

const windows = { platform: "windows", instanceType: "m7i.large", bootMode: "legacy-bios" } as const;
const windowsImage = { platform: "windows", architecture: "x86_64", bootMode: "legacy-bios" } as const;

test.each(["restore", "drill"])(
  "%s: the rights to keys are what encrypted volumes need, through EC2 alone",
  async (name) => {
    const key = `arn:aws:kms:${instance.region}:${instance.account}:key/0fa0`;
    const given = scenarioOf(1, 1, {
      limits: false,
      images: [],
      keys: [{ id: "0fa0" }],
      times: { createVolume: 0.1 },
    });
    await using bench = await Bench.start({
      ...given,
      snapshots: (given.snapshots ?? []).map((one) => ({ ...one, encrypted: true, kmsKeyId: key })),
      accessKeys: [{ id: keys.accessKeyId, user: "rescuer" }],
    });
    const policy = await policyNamed(name);
    const { control, url } = bench.simulator;
    const ec2 = new EC2Client({ endpoint: url, region: instance.region, credentials: keys, maxAttempts: 1 });
    const [SnapshotId] = Object.keys((await control.state()).snapshots);
    const Tags = [
      { Key: "ec2-backup:restore", Value: "restore-1" },
      { Key: "ec2-backup:temporary-until", Value: "2027-01-01T00:00:00Z" },
    ];
    const made = {
      SnapshotId,
      AvailabilityZone: instance.zone,
      TagSpecifications: [{ ResourceType: "volume" as const, Tags }],
    };
    /** Whether a volume comes into being, and can be attached. */
    const works = async (one: Policy): Promise<readonly [boolean, boolean]> => {
      await control.settings({
        policies: [{ principal: "*:user/rescuer", documents: [JSON.stringify(one)] }],
      });
      const { VolumeId = "" } = await ec2.send(new CreateVolumeCommand(made));
      await control.clock({ advance: "10m" });
      const there = (await control.state()).volumes[VolumeId]?.state === "ready";
      if (!there) return [false, false];
      const attach = new AttachVolumeCommand({
        VolumeId,
        InstanceId: instance.id,
        Device: `/dev/sd${letters.shift()}`,
      });
      return [
        true,
        await ec2.send(attach).then(
          () => true,
          () => false,
        ),
      ];
    };
    expect(await works(policy)).toEqual([true, true]);
    const without = (sid: string) => ({
      ...policy,
      Statement: policy.Statement.filter(({ Sid }) => Sid !== sid),
    });
    expect(await works(without("UseKeysForVolumes"))).toEqual([false, false]);
    expect(await works(without("GrantKeysToVolumes"))).toEqual([false, false]);
    const needed = asked(bench.simulator, 0, ":user/rescuer").filter(({ action }) =>
      action.startsWith("kms:"),
    );
    const spare = superfluous([policy], needed).filter((less) => /^(Use|Grant)Keys/.test(less));
    expect(spare).toEqual([]);
    expect(await disagreements([policy], needed)).toEqual([]);
    // The same keys, asked for otherwise than through EC2, or for a grant of one's own.
    const direct = needed.map((one) => ({
      ...one,
      context: { ...one.context, "kms:viaservice": `s3.${instance.region}.amazonaws.com` },
    }));
    expect(notAllowed([policy], direct)).toHaveLength(direct.length);
    const grants = needed.filter(({ action }) => action === "kms:CreateGrant");
    const free = grants.map((one) => ({
      ...one,
      context: { ...one.context, "kms:grantisforawsresource": "false" },
    }));
    expect(notAllowed([policy], free)).toHaveLength(free.length);
    ec2.destroy();
  },
  30_000,
);

const letters = ["q", "r", "s", "t", "u", "v", "w", "x"];
