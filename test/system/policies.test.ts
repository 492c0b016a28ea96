import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DetachVolumeCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { fromInstanceMetadata } from "@aws-sdk/credential-providers";
import { describe, expect, test } from "vitest";
import { need } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { scenarioOf } from "./history.ts";
import { disagreements } from "./iam-agreement.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import {
  actionsOf,
  asked,
  called,
  govern,
  notAllowed,
  type Policy,
  policiesOfAgent,
  policyNamed,
  superfluous,
  without,
} from "./policies.ts";
import { RestoreHost } from "./restore-host.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`policies without one action: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** EC2 asks KMS in the name of whoever makes an encrypted volume: this no simulator shows. */
const byKms = /^kms:(CreateGrant|Decrypt|GenerateDataKeyWithoutPlaintext|ReEncrypt\*)$/;
/** Without these it is told that something could not be looked at, and goes on. */
const optional = ["ec2:ListSnapshotsInRecycleBin", "kms:DescribeKey"];

/** Everything that `restore list`, `volumes` and `--undo` do. */
async function restoreAll(host: RestoreHost): Promise<readonly { code: number | null; text: string }[]> {
  const ended = [
    await host.restore(["list"]),
    await host.restore(["volumes", "--initialize", "100", "--mount", host.mountedAt, "--yes"]),
    await host.restore(["volumes", "--from", "snap-0123456789abcdef0"]),
  ];
  const id = ended[1]?.told.plan?.id ?? "restore-0000000000000000";
  ended.push(await host.restore(["volumes", "--undo", "--restore", id, "--yes"]));
  return ended.map(({ code, stdout, stderr }) => ({ code, text: stdout + stderr }));
}

describe("policies/restore.json", () => {
  test("is all that list, volumes and --undo need, and nothing that they do not", async (context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await RestoreHost.start();
    const policy = await policyNamed("restore");
    await govern(host.bench.simulator, [policy]);
    const ended = await restoreAll(host);
    expect(
      ended.map(({ code }) => code),
      ended.map(({ text }) => text).join("\n"),
    ).toEqual([0, 0, 2, 0]);
    expect(await host.made()).toEqual([]);
    const named = actionsOf([policy]).filter((action) => !byKms.test(action) && action !== "kms:DescribeKey");
    expect(called(host.bench.simulator)).toEqual(named);
    const needed = asked(host.bench.simulator);
    expect(notAllowed([policy], needed)).toEqual([]);
    // Where volumes are encrypted the keys' part is needed too: test/system/policies-restore.test.ts.
    expect(superfluous([policy], needed).filter((less) => !/Keys/.test(less))).toEqual([]);
    expect(await disagreements([policy], needed)).toEqual([]);
  });

  test("protects volumes that were not restored, and what they are tagged with", async () => {
    await using bench = await Bench.start(scenarioOf(2, 1, { limits: false, images: [] }));
    await govern(bench.simulator, [await policyNamed("restore")]);
    const { volumes } = await bench.simulator.control.state();
    const [original] = Object.values(volumes).filter(({ tags }) => Object.keys(tags).length === 0);
    const id = original?.id ?? "";
    const TagSpecifications = [{ ResourceType: "volume" as const, Tags: [mark] }];
    const made = { AvailabilityZone: "eu-central-1a", Size: 1 };
    await using ec2 = client(bench);
    expect(await ec2.refusal((to) => to.send(new DeleteVolumeCommand({ VolumeId: id })))).toContain(
      "ec2:DeleteVolume",
    );
    expect(await ec2.refusal((to) => to.send(new DetachVolumeCommand({ VolumeId: id })))).toContain(
      "ec2:DetachVolume",
    );
    const tagging = new CreateTagsCommand({ Resources: [id], Tags: [mark] });
    expect(await ec2.refusal((to) => to.send(tagging))).toContain("ec2:CreateTags");
    expect(await ec2.refusal((to) => to.send(new CreateVolumeCommand(made)))).toContain("ec2:CreateVolume");
    expect(await ec2.refusal((to) => to.send(new CreateVolumeCommand({ ...made, TagSpecifications })))).toBe(
      "",
    );
  });

  test("fails without any one of its actions, and says which is missing", async (context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using host = await RestoreHost.start();
    const policy = await policyNamed("restore");
    const needed = actionsOf([policy]).filter((action) => !byKms.test(action) && !optional.includes(action));
    expect(needed.length).toBeGreaterThan(8);
    for (const action of shuffled(needed, chanceOf(seed)).slice(0, soak ? undefined : 1)) {
      await govern(host.bench.simulator, [without(policy, action)]);
      const ended = await restoreAll(host);
      const bad = ended.filter(({ code }, index) => code !== [0, 0, 2, 0][index]);
      expect(bad.length, action).toBeGreaterThan(0);
      expect(bad.map(({ text }) => text).join("\n"), `without ${action}`).toContain(action);
      await govern(host.bench.simulator, [policy]);
      const undone = await host.restore(["volumes", "--undo", "--yes"]);
      expect(undone.code, undone.stdout).toBe(0);
      for (const { tags } of await host.made()) {
        const words = ["volumes", "--undo", "--restore", tags["ec2-backup:restore"] ?? "", "--yes"];
        expect((await host.restore(words)).code, action).toBe(0);
      }
    }
  }, 300_000);
});

describe("the role of an instance that is backed up", () => {
  test("is enough for run, and for nothing that restores", async () => {
    await using bench = await Bench.start(scenarioOf(2, 6, { limits: false }));
    const policies = await policiesOfAgent();
    await govern(bench.simulator, policies);
    const { code, report, stderr } = await bench.run();
    expect([code, report.outcome], stderr + JSON.stringify(report.problems)).toEqual([0, "done"]);
    expect(report.retention?.removals.map(({ outcome }) => outcome)).toContain("removed");
    const restoring = await Promise.all(restorePolicies.map(policyNamed));
    const more = actionsOf(restoring).filter((action) => !/:(Describe|List|Get)/.test(action));
    const shared = more.filter((action) => actionsOf(policies).includes(action));
    // The same words, on other things: of restored volumes there, of new snapshots here; the metrics are a drill's.
    expect(shared).toEqual(["cloudwatch:PutMetricData", "ec2:CreateTags"]);
    const words = ["restore", "volumes", "--config", bench.config, "--yes", "--json"];
    const restored = await bench.execute(words, {
      env: { RUNTIME_DIRECTORY: path.join(bench.folder, "run") },
    });
    expect(restored.code, restored.stdout).toBe(77);
    expect(restored.stdout).toContain("ec2:CreateVolume");
  });

  test("is stated in policies that hold no action on all resources but those that look", async () => {
    for (const name of restorePolicies) {
      const text = await readFile(path.join(import.meta.dirname, `../../policies/${name}.json`), "utf8");
      const { Statement } = JSON.parse(text) as Policy;
      for (const { Sid, Action, Resource } of Statement) {
        expect(Sid).toMatch(/^\w+$/);
        if (Resource === "*")
          for (const action of [Action].flat())
            expect(action, `${name}, ${Sid}`).toMatch(/:(Describe|List|Get|PutMetricData$)/);
      }
    }
  });
});

const restorePolicies = ["restore", "restore-replace", "restore-instance", "drill"];

const mark = { Key: "ec2-backup:restore", Value: "restore-0123456789abcdef" };

/** Sends what somebody with the role of the instance could send, and gives what EC2 says; nothing when it does it. */
function client({ simulator }: Bench) {
  const instanceMetadata = fromInstanceMetadata({ timeout: 5_000 });
  const before = process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
  process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = simulator.url;
  const ec2 = new EC2Client({
    endpoint: simulator.url,
    region: "eu-central-1",
    credentials: instanceMetadata,
  });
  return {
    refusal: (send: (client: EC2Client) => Promise<unknown>) =>
      send(ec2).then(
        () => "",
        (error: Error) => error.message,
      ),
    async [Symbol.asyncDispose]() {
      ec2.destroy();
      if (before === undefined) delete process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
      else process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = before;
    },
  };
}
