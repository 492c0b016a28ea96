import { expect, test } from "vitest";
import { isOurs, type MachineGround, planMachine } from "../../src/core/machine-plan.ts";
import type { MachineRecipe } from "../../src/core/machine-recipe.ts";
import { chooseUserData } from "../../src/core/machine-user-data.ts";
import type { MachineWish } from "../../src/core/machine-wish.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import { instance } from "../system/history.ts";
import { at, snapshot } from "./points.ts";

const recipe: MachineRecipe = {
  type: "c7g.xlarge",
  architecture: "arm64",
  bootMode: "uefi",
  image: "ami-0123456789abcdef0",
  platform: "Linux/UNIX",
  usage: "RunInstances",
  subnet: "subnet-0000000000000000a",
  groups: ["sg-0000000000000000a"],
  profile: "arn:aws:iam::111122223333:instance-profile/web",
  keyName: "admin",
  rootDevice: "/dev/sda1",
};
const point: RecoveryPoint = {
  id: "0193a1b2-c3d4-7000-8000-000000000000",
  run: "r",
  job: "default",
  series: "s",
  instanceArn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0aaaaaaaaaaaaaaaa",
  name: "web",
  state: "complete",
  captured: at("2026-11-20T02:00"),
  consistency: "filesystem",
  snapshots: [
    snapshot({
      id: "snap-d",
      volumeId: "vol-d",
      tags: { Name: "data", "ec2-backup:job": "default", DeleteOn: "x" },
    }),
    snapshot({ id: "snap-r", volumeId: "vol-r" }),
  ],
  recipe: [
    {
      volumeId: "vol-r",
      root: true,
      device: "/dev/sda1",
      type: "gp3",
      sizeGiB: 8,
      iops: 4000,
      throughput: 250,
    },
    { volumeId: "vol-d", device: "/dev/sdf", type: "st1", sizeGiB: 500, deleteOnTermination: true },
  ],
  holds: [],
};
const subnets = [
  { id: "subnet-0000000000000000a", vpc: "vpc-a", zone: "eu-central-1b" },
  { id: "subnet-0000000000000000b", vpc: "vpc-b", zone: "eu-central-1c" },
];
const ground: MachineGround = {
  instance,
  recorded: { machine: recipe, userData: "none", faults: [] },
  snapshots: point.snapshots,
  facts: { region: instance.region, account: instance.account, now: at("2026-11-21T00:00"), keys: new Map() },
  places: { subnets, groups: new Map([["sg-0000000000000000a", "vpc-a"]]), offered: true },
  userData: { from: "none", value: "none", because: "point", obstacles: [] },
  digest: (text) => Buffer.from(text).toString("hex").padEnd(64, "0").slice(-64),
};
const plan = (wish: Partial<MachineWish> = {}, change: Partial<MachineGround> = {}, of = point) =>
  planMachine(of, { groups: [], ...wish }, { ...ground, ...change });
const withRecipe = (change: Partial<MachineRecipe>) => ({
  recorded: { ...ground.recorded, machine: { ...recipe, ...change } },
});
const blocks = ({ obstacles }: ReturnType<typeof plan>) =>
  obstacles.filter(({ severity }) => severity === "blocks").map(({ about, remedy }) => [about, remedy]);

test("a new instance is as the captured one was, and each property says where it is from", () => {
  const { machine, image, properties, zone, volumes, obstacles, way } = plan();
  expect(obstacles).toEqual([]);
  expect([way, zone]).toEqual(["register", "eu-central-1b"]);
  expect(machine).toMatchObject({
    type: "c7g.xlarge",
    subnet: "subnet-0000000000000000a",
    groups: ["sg-0000000000000000a"],
    profile: recipe.profile,
    keyName: "admin",
    devices: [
      {
        device: "/dev/sda1",
        snapshot: "snap-r",
        type: "gp3",
        iops: 4000,
        throughput: 250,
        deleteOnTermination: true,
      },
      { device: "/dev/sdf", snapshot: "snap-d", type: "st1", sizeGiB: 500, deleteOnTermination: true },
    ],
  });
  expect(machine.tags).toMatchObject({ Name: "web", [restoreTags.point]: point.id });
  expect(image).toMatchObject({ architecture: "arm64", bootMode: "uefi", root: { device: "/dev/sda1" } });
  expect(properties.map(({ from }) => from)).not.toContain("flag");
  expect(volumes[1]?.request.tags).toMatchObject({ Name: "data", [restoreTags.from]: "snap-d" });
  expect(Object.keys(volumes[1]?.request.tags ?? {})).not.toContain("DeleteOn");
});

test("flags win, and the plan tells what they replace", () => {
  const { properties, machine } = plan({ type: "c7g.large", profile: false, name: "web-2" });
  expect(properties).toContainEqual({ name: "type", value: "c7g.large", from: "flag", was: "c7g.xlarge" });
  expect(properties).toContainEqual({ name: "profile", value: "none", from: "flag", was: recipe.profile });
  expect([machine.type, machine.profile, machine.tags["Name"]]).toEqual(["c7g.large", undefined, "web-2"]);
});

test("what is gone stands in the way, with the flag that replaces it", () => {
  const gone = plan({}, withRecipe({ subnet: "subnet-0000000000000000c" }));
  expect(blocks(gone)).toEqual([["subnet", expect.stringContaining("--subnet: subnet-0000000000000000a")]]);
  expect(blocks(plan({}, { places: { ...ground.places, groups: new Map() } }))).toEqual([
    ["groups", expect.stringContaining("--security-group")],
  ]);
  const abroad = plan({ subnet: "subnet-0000000000000000b" });
  expect(blocks(abroad)).toEqual([["groups", expect.stringContaining("--security-group")]]);
  expect(blocks(plan({}, { places: { ...ground.places, offered: false } }))).toEqual([
    ["type", expect.stringContaining("--type")],
  ]);
  // Who may not ask is told so, and EC2 decides.
  const blind = plan({}, { places: {} });
  expect([blocks(blind), blind.obstacles.map(({ about }) => about)]).toEqual([[], ["subnet", "groups"]]);
});

test("a point that tells nothing of its machine needs the flags, or the instance itself", () => {
  const nothing = { recorded: { faults: [] } };
  expect(blocks(plan({}, nothing)).map(([about]) => about)).toEqual([
    "type",
    "architecture",
    "subnet",
    "groups",
  ]);
  const living = plan(
    {},
    { ...nothing, original: { id: "i-0aaaaaaaaaaaaaaaa", state: "running", machine: recipe } },
  );
  expect(blocks(living)).toEqual([]);
  expect(living.properties.find(({ name }) => name === "type")?.from).toBe("the instance");
  expect(living.machine.tags["Name"]).toBe("web restored");
  expect(living.notes.join("\n")).toContain("what i-0aaaaaaaaaaaaaaaa is now is taken");
  const damaged = plan({}, { recorded: { ...ground.recorded, faults: ["it was changed since"] } });
  expect([blocks(damaged), damaged.obstacles[0]?.found]).toEqual([[], expect.stringContaining("damaged")]);
});

test.each([
  [{ usage: "RunInstances:0002", platform: "Windows" }],
  [{ usage: "RunInstances:0010", platform: "Red Hat Enterprise Linux" }],
  [{ platform: "SUSE Linux" }],
  [{ codes: ["abc"] }],
])("what an image of a snapshot would lose is launched from its own image: %o", (billing) => {
  const lacking = plan({}, withRecipe(billing));
  expect([lacking.way, blocks(lacking).map(([about]) => about)]).toEqual(["swap", ["image"]]);
  const image = {
    id: "ami-0123456789abcdef0",
    state: "available",
    name: "x",
    rootDevice: "/dev/sda1",
    devices: ["/dev/sda1", "/dev/sdz"],
    tags: {},
  };
  const there = plan({}, { ...withRecipe(billing), image });
  expect([blocks(there), there.machine.devices, there.machine.without]).toEqual([[], [], ["/dev/sdz"]]);
});

test("a point without its root cannot boot, and one that is not whole says what is lacking", () => {
  const rootless = { ...point, snapshots: point.snapshots.slice(0, 1), state: "partial" as const };
  const planned = plan({}, { snapshots: rootless.snapshots }, rootless);
  expect(blocks(planned).map(([about]) => about)).toEqual(["root"]);
  const dataless = { ...point, snapshots: point.snapshots.slice(1), state: "partial" as const };
  const half = plan({}, { snapshots: dataless.snapshots }, dataless);
  expect([blocks(half), half.obstacles.map(({ about }) => about)]).toEqual([[], ["vol-d"]]);
});

test("the id is of the point and the label, and only its tags make a thing ours", () => {
  expect(plan({ type: "c7g.large" }).id).toBe(plan().id);
  expect(plan({}, { instance: { ...instance, arn: "arn:other" } }).id).toBe(plan().id);
  expect(plan({ label: "b" }).id).not.toBe(plan().id);
  const { id, machine } = plan();
  expect(isOurs(machine.tags, id)).toBe(true);
  expect(isOurs(machine.tags, "instance-0000000000000000")).toBe(false);
  expect(isOurs({ [restoreTags.restore]: "restore-0123456789abcdef" }, undefined)).toBe(false);
  expect(isOurs({ [restoreTags.restore]: id }, id)).toBe(false);
});

const one = { sha256: "a".repeat(64), length: 10 };
const other = { sha256: "b".repeat(64), length: 20 };
const ways = { none: false, differs: false, recorded: one };

test.each([
  ["the flag says none", { ...ways, none: true, file: one }, "none", 0],
  ["there was none", { ...ways, recorded: "none" as const, original: one }, "none", 0],
  ["the file is it", { ...ways, file: one, content: one }, "file", 0],
  ["the file is another", { ...ways, file: other }, "file", 1],
  ["the point has it", { ...ways, content: one, original: other }, "point", 0],
  ["the point has something else", { ...ways, content: other, original: one }, "original", 0],
  ["the instance has it", { ...ways, original: one }, "original", 0],
  ["the instance has another by now", { ...ways, original: other }, "original", 1],
  ["nobody has it", ways, "none", 1],
  ["nobody knows", { ...ways, recorded: undefined }, "none", 0],
  ["nobody knows, and the instance has some", { ...ways, recorded: undefined, original: one }, "original", 0],
] as const)("user data: %s", (_, given, from, blocking) => {
  const choice = chooseUserData(given);
  expect(choice.from).toBe(from);
  expect(choice.obstacles.filter(({ severity }) => severity === "blocks")).toHaveLength(blocking);
  const forced = chooseUserData({ ...given, differs: true });
  if ("file" in given || "original" in given)
    expect(forced.obstacles.filter(({ severity }) => severity === "blocks")).toEqual([]);
});
