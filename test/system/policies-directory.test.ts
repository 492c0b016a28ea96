import { writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { need } from "../host/places.ts";
import { DirectoryStage } from "./directory-stage.ts";
import { disagreements } from "./iam-agreement.ts";
import { isInstalled, loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { asked, govern, notAllowed, policyNamed, superfluous } from "./policies.ts";

/** EC2 asks KMS only where volumes are encrypted, and a lease is renewed after ten minutes. */
const elsewhere = /Keys|^RenewTheLease/;

beforeEach((context) => {
  need(context, loopDisksCan && isInstalled("sshd"), `${loopDisksNeed}, and sshd`);
});

test.each([
  { side: "here", names: ["directory"], who: ":assumed-role/" },
  { side: "elsewhere", names: ["directory", "directory-elsewhere"], who: ":user/elsewhere" },
] as const)(
  "directory, $side: enough, and nothing is spare",
  async ({ side, names, who }) => {
    await using stage = await DirectoryStage.start();
    const { simulator } = stage.bench;
    const policies = await Promise.all(names.map(policyNamed));
    await govern(simulator, policies);
    const documents = policies.map((one) => JSON.stringify(one));
    const instances = { principal: "*:assumed-role/*", documents };
    await simulator.control.settings({ policies: [instances, { principal: "*:user/elsewhere", documents }] });
    const source = await stage.folder("source");
    await writeFile(path.join(source, "file"), "text\n");
    const first = await stage[side](["directory", source]);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const volume = first.stdout.trim();
    const again = await stage[side](["directory", "-v", volume, source]);
    expect([again.code, again.stderr]).toEqual([0, ""]);
    const back = path.join(stage.disks.directory, "back");
    const restored = await stage[side](["restore", "directory", volume, "--to", back]);
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    // A volume that nothing was written to goes again.
    simulator.control.faults([{ kind: "denied", action: "AttachVolume", count: 1 }]);
    const failed = await stage[side](["directory", source]);
    expect(failed.code, failed.stderr).toBe(77);
    expect((await stage.volumes()).map(({ id }) => id)).toEqual([volume]);
    await stage.expectClean();
    const needed = asked(simulator, 0, who);
    expect(notAllowed(policies, needed)).toEqual([]);
    const spare = superfluous(policies, needed).filter((less) => !elsewhere.test(less));
    // What the first one has for an instance itself is of no use to a caller from outside.
    expect(spare.filter((less) => side === "here" || !less.startsWith("ToAndFromItself "))).toEqual([]);
    // Of public parameters, whose ARNs have no account, the other evaluator knows nothing.
    const known = needed.filter(({ action }) => action !== "ssm:GetParameter");
    expect(await disagreements(policies, known)).toEqual([]);
  },
  120_000,
);
