import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Instance } from "../../src/core/instance.ts";
import type { MachineRecipe, UserDataFacts } from "../../src/core/machine-recipe.ts";
import { machineKeys } from "../../src/core/machine-tags.ts";
import { maxTags, tagsOf } from "../../src/core/point-tags.ts";
import { recordedMachine } from "../../src/core/recorded-machine.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { instance, jobKeeping, volumesOf } from "../system/history.ts";

const machine: MachineRecipe = {
  type: "c7g.xlarge",
  architecture: "arm64",
  bootMode: "uefi-preferred",
  image: "ami-0123456789abcdef0",
  platform: "Red Hat Enterprise Linux",
  usage: "RunInstances:0010",
  codes: ["abcdefghijklmnopqrstuvwxy"],
  subnet: "subnet-0123456789abcdef0",
  groups: ["sg-0123456789abcdef0", "sg-0123456789abcdef1"],
  profile: `arn:aws:iam::111122223333:instance-profile/${"path/".repeat(60)}web`,
  keyName: "Ada's key @home = 50 %",
  ena: true,
  ebsOptimized: false,
  tpm: "v2.0",
  tenancy: "dedicated",
  rootDevice: "/dev/sda1",
  metadata: { tokens: "required", hops: 2, endpoint: "enabled", ipv6: "disabled", tags: "enabled" },
};
const userData: UserDataFacts = { sha256: "ab".repeat(32), length: 1234 };

function tagsWith(
  change: Partial<Instance>,
  more: { userData?: UserDataFacts; record?: boolean; extra?: number } = {},
) {
  return tagsOf({
    pointId: "p",
    runId: "r",
    job: {
      ...jobKeeping(1),
      ...(more.record ? { recordUserData: true } : {}),
      addTags: Object.fromEntries(
        Array.from({ length: more.extra ?? 0 }, (_, index) => [`extra-${index}`, "x"]),
      ),
    },
    instance: { ...instance, ...change },
    captured: new Date(0),
    volumes: volumesOf(2),
    ...(more.userData && { userData: more.userData }),
    version: "1",
  });
}

const read = (tags: Readonly<Record<string, string>>) =>
  recordedMachine({ snapshots: [{ tags } as Snapshot] });

test("a machine's recipe is read as it was written, in few tags that EC2 takes", () => {
  const { tags, dropped } = tagsWith({ machine }, { userData });
  expect(dropped).toEqual([]);
  expect(read(tags)).toEqual({ machine, userData: { sha256: userData.sha256, length: 1234 }, faults: [] });
  const ours = Object.entries(tags).filter(([key]) => key.startsWith(machineKeys.machine));
  expect(ours.length).toBeLessThanOrEqual(5);
  for (const [, value] of ours) expect(value).toMatch(/^[\w +\-=.:/@]{1,256}$/);
});

test("whatever EC2 may call a key or a profile, the record comes back or says that it does not", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  fc.assert(
    fc.property(text, text, text, (keyName, platform, type) => {
      const { tags } = tagsWith({ machine: { ...machine, keyName, platform, type } });
      const values = Object.entries(tags).filter(([key]) => key.startsWith(machineKeys.machine));
      for (const [, value] of values) expect(value).toMatch(/^[\w+\-=.:/@][\w +\-=.:/@]{0,254}[\w+\-=.:/@]$/);
      const back = read(tags);
      for (const [key, value] of Object.entries({ keyName, platform, type })) {
        const found = back.machine?.[key as "type"];
        if (value !== "" && found !== value)
          expect([found, back.faults.length > 0]).toEqual([undefined, true]);
      }
      expect(back.machine?.profile).toBe(machine.profile);
    }),
    { numRuns: 40 },
  );
});

test("a tag that was lost or changed is told, and what is left is read", () => {
  const { tags } = tagsWith({ machine }, { userData });
  const { [`${machineKeys.machine}2`]: _, ...rest } = tags;
  expect(read(rest).faults).toContainEqual(
    expect.stringMatching(/^\d tags ec2-backup:machine.N were written, and \d/),
  );
  expect(read(rest).machine?.type).toBe("c7g.xlarge");
  const first = tags[`${machineKeys.machine}1`] ?? "";
  const changed = { ...tags, [`${machineKeys.machine}1`]: first.replace("c7g.xlarge", "p5.48xlarge") };
  expect(read(changed)).toMatchObject({ faults: ["the record of the machine was changed since"] });
  const evil = { ...tags, [`${machineKeys.machine}1`]: first.replace("ami-0123456789abcdef0", "x;reboot") };
  expect(read(evil).machine?.image).toBeUndefined();
  expect(read(evil).faults).toContain("what it says of image cannot be read");
  expect(read({ [`${machineKeys.machine}1`]: "nonsense" }).faults).toHaveLength(1);
  expect(read({})).toEqual({ faults: [] });
});

test("no user data is told apart from one that nobody could read", () => {
  expect(read(tagsWith({ machine }, { userData: { sha256: "0", length: 0 } }).tags).userData).toBe("none");
  expect(read(tagsWith({ machine }).tags).userData).toBeUndefined();
});

test("content is recorded on request only, in eight tags at most, and else the report says so", () => {
  const content = "A".repeat(8 * 256);
  expect(read(tagsWith({ machine }, { userData: { ...userData, content } }).tags).content).toBeUndefined();
  const asked = tagsWith({ machine }, { userData: { ...userData, content }, record: true });
  expect([read(asked.tags).content, asked.dropped]).toEqual([content, []]);
  const long = tagsWith({ machine }, { userData: { ...userData, content: `${content}A` }, record: true });
  expect(read(long.tags)).toMatchObject({ userData: { length: 1234 } });
  expect(read(long.tags).content).toBeUndefined();
  expect(long.dropped).toEqual([expect.stringContaining("more than the 2048 of 8 tags")]);
  expect(tagsWith({ machine }, { record: true }).dropped).toEqual([
    "the user data, which the instance metadata did not give",
  ]);
});

test("where tags are short, content goes first, then hints, then the machine, and only then the user's tags", () => {
  const content = "A".repeat(8 * 256);
  const order = { userData: { ...userData, content }, record: true };
  const seen = Array.from({ length: 45 }, (_, extra) => tagsWith({ machine }, { ...order, extra })).map(
    ({ tags, dropped }) => {
      expect(Object.keys(tags).length).toBeLessThanOrEqual(maxTags);
      return dropped.map((what) =>
        what.split(" ")[0] === "the" ? what.split(" ").slice(0, 3).join(" ") : what.split(" ")[0],
      );
    },
  );
  const steps = seen.filter((one, index) => JSON.stringify(one) !== JSON.stringify(seen[index - 1]));
  expect(steps).toEqual([
    [],
    ["the content of"],
    ["the recipe of", "restore"],
    ["the recipe of", "restore", "the tags of"],
  ]);
});
