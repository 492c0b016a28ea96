import { expect, test } from "vitest";
import { groupKey, tagKeys } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import { asked, notAllowed, policyNamed, superfluous } from "./policies.ts";
import { fleetOf, instanceId, own, type SeriesWish, SweepStage, type Swept } from "./sweep-stage.ts";

const home = `${own}/eu-central-1`;
const loose = (number: number, tags: Readonly<Record<string, string>>) => ({
  id: `vol-0aaaaaaaaaaaaaa${number.toString().padStart(2, "0")}`,
  size: 5,
  type: "gp3" as const,
  tags,
});
const [wanted, silent, refused, temporary] = [
  loose(1, { Backup: "yes", Name: "archive", Retention: "last=2", Team: "a" }),
  loose(2, {}),
  loose(3, { Backup: "no" }),
  loose(4, { Backup: "yes", "ec2-backup:temporary-until": "2030-01-01T00:00:00Z" }),
];
const arn = (id: string) => `arn:aws:ec2:eu-central-1:${own}:volume/${id}`;
const fleet = (wishes: readonly SeriesWish[] = []) => {
  const scenario = fleetOf(wishes);
  return {
    ...scenario,
    clock: { speed: 1 },
    volumes: [...(scenario.volumes ?? []), wanted, silent, refused, temporary],
  };
};
const captured = (swept: Swept) =>
  swept.unit(home).create?.volumes?.map(({ volume, outcome }) => `${outcome} ${volume}`);
const create = ["--only", "create"];

async function made({ simulator }: SweepStage): Promise<readonly Snapshot[]> {
  const { snapshots } = await simulator.control.state();
  return Object.values<Snapshot>(snapshots).sort((a, b) => a.startTime - b.startTime);
}

test.concurrent("volumes without an instance are captured by their tags, under exactly the policies, and pruned by what they record", async () => {
  await using stage = await SweepStage.start(fleet());
  const policies = await Promise.all(["sweep", "sweep-create"].map(policyNamed));
  const documents = policies.map((one) => JSON.stringify(one));
  await stage.simulator.control.settings({ policies: [{ principal: "*:user/operator", documents }] });
  expect(captured(await stage.sweep(create)), "nobody asked for them").toBeUndefined();
  const planned = await stage.sweep([...create, "--unattached", "--dry-run"]);
  expect([captured(planned), await made(stage)]).toEqual([[`overdue ${wanted?.id}`], []]);

  const swept = await stage.sweep([...create, "--unattached"]);
  expect([swept.code, captured(swept)], swept.stdout).toEqual([0, [`created ${wanted?.id}`]]);
  const [first] = await made(stage);
  expect(first?.tags).toMatchObject({
    Team: "a",
    [tagKeys.instance]: arn(wanted?.id ?? ""),
    [tagKeys.series]: `${arn(wanted?.id ?? "")}/default`,
    [tagKeys.retention]: expect.stringMatching(/^last=2 zone=UTC/),
    [`${tagKeys.manifest}1`]: expect.stringContaining(`${wanted?.id} type=gp3 gib=5`),
  });
  const needed = asked(stage.simulator, 0, ":user/operator");
  expect(notAllowed(policies, needed)).toEqual([]);
  expect(superfluous(policies, needed).filter((one) => /Volumes/.test(one))).toEqual([]);

  await stage.configure("{ create: { unattached: true }, prune: { expireLastAfter: 7d } }");
  expect(captured(await stage.sweep(create))).toEqual([]);
  for (let day = 0; day < 3; day += 1) {
    await stage.simulator.control.clock({ advance: "8d" });
    expect((await stage.sweep(["--yes"])).code).toBe(0);
  }
  // The newest was made after the listing that the pruner went by.
  expect(await made(stage)).toHaveLength(3);
  await stage.simulator.control.clock({ advance: "8d" });
  expect((await stage.sweep(["--only", "prune", "--yes"])).code).toBe(0);
  expect(await made(stage), "its volume is there").toHaveLength(2);
  await stage.simulator.control.volumes({ delete: { volume: wanted?.id } });
  expect((await stage.sweep(["--only", "prune", "--yes"])).code).toBe(0);
  expect(await made(stage)).toEqual([]);
}, 60_000);

test.concurrent("with --all every one of them, but none that a tag leaves out, and none that a point holds already", async () => {
  const wishes: readonly SeriesWish[] = [{ number: 1, ages: [0], state: "gone", volumesLeft: true }];
  await using stage = await SweepStage.start(fleet(wishes));
  stage.simulator.control.faults([{ kind: "reset-after", action: "CreateSnapshot", index: 1 }]);
  const swept = await stage.sweep([...create, "--unattached", "--all"]);
  expect(swept.code, swept.stdout).toBe(0);
  expect(captured(swept)?.sort()).toEqual([`created ${wanted?.id}`, `created ${silent?.id}`]);
  const calls = stage.calls().filter(({ action }) => action === "CreateSnapshot");
  expect(calls, "a lost answer is looked for, not asked for again").toHaveLength(2);
});

test.concurrent("of two sweeps at once the one that EC2 turns away finds the point of the other", async () => {
  await using stage = await SweepStage.start({ ...fleet(), limits: true });
  const both = await Promise.all([1, 2].map(() => stage.sweep([...create, "--unattached"])));
  expect(
    both.map(({ code }) => code),
    both.map(({ stdout }) => stdout).join("\n"),
  ).toEqual([0, 0]);
  expect(both.flatMap(captured).sort()).toContain(`created ${wanted?.id}`);
  expect(await made(stage)).toHaveLength(1);
});

test.concurrent("a point of such a volume is found by a restore, by its snapshot and by the volume's ARN", async () => {
  await using stage = await SweepStage.start(fleet());
  await stage.sweep([...create, "--unattached"]);
  await stage.simulator.control.clock({ advance: "10m" });
  const [snapshot] = await made(stage);
  const here = { ...stage.simulator.environment, AWS_EC2_METADATA_DISABLED: "false" };
  for (const words of [
    ["--from", snapshot?.id ?? ""],
    ["--instance", arn(wanted?.id ?? "")],
  ]) {
    const planned = await stage.execute(["restore", "volumes", ...words, "--dry-run", "--json"], here);
    expect(planned.code, planned.stdout + planned.stderr).toBe(0);
    expect(planned.stdout).toContain(snapshot?.id);
  }
});

test.concurrent("instances are chosen by --all, by any filter of EC2, an Auto Scaling group or a pattern of names, from flags as from the file", async () => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [], name: "web-1", group: "web" },
    { number: 2, ages: [], name: "web-2", tags: { Backup: "yes" } },
    { number: 3, ages: [], name: "db-1", tags: { Backup: "yes" } },
    { number: 4, ages: [], name: "db-2", tags: { Backup: "no" } },
  ];
  await using stage = await SweepStage.start(fleetOf(wishes));
  const instances = async (...words: readonly string[]) => {
    const swept = await stage.sweep(["--dry-run", ...words]);
    expect(swept.code, swept.stdout + swept.stderr).toBe(0);
    const found = swept.unit(home).create?.captured.map(({ instance }) => instance) ?? [];
    return [1, 2, 3, 4].filter((number) => found.includes(instanceId(number)));
  };
  const both = async (words: readonly string[], file: string, expected: readonly number[]) => {
    await stage.configure("{}");
    expect(await instances(...words), words.join(" ")).toEqual(expected);
    await stage.configure(`{ create: ${file} }`);
    expect(await instances(), file).toEqual(expected);
  };
  await both(["--only", "create"], "{}", [2, 3]);
  await both(["--all"], "{ all: true }", [1, 2, 3]);
  await both(["--filter", "tag:Name=web-*"], '{ filters: [{ name: "tag:Name", values: ["web-*"] }] }', [2]);
  await both(
    ["--all", "--filter", `tag:${groupKey}=web`],
    `{ all: true, filters: [{ name: "tag:${groupKey}", values: [web] }] }`,
    [1],
  );
  await both(
    ["--all", "--filter", `instance-id=${instanceId(1)},${instanceId(3)}`, "--filter", "tag:Name=db-?"],
    `{ all: true, filters: [{ name: instance-id, values: [${instanceId(1)}, ${instanceId(3)}] }, { name: "tag:Name", values: ["db-?"] }] }`,
    [3],
  );
  const wrong = await stage.sweep(["--filter", "web"]);
  expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining("tag:Name=web-*")]);
}, 60_000);
