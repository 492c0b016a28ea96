import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { RetentionPolicy } from "../../src/core/retention-policy.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import {
  fleetOf,
  instanceId,
  own,
  pointId,
  type SeriesWish,
  SweepStage,
  type Swept,
  volumeId,
} from "./sweep-stage.ts";

const home = `${own}/eu-central-1`;
const west = `${own}/eu-west-1`;
const day = 86_400_000;

const stanza = (more: object = {}, snapshot: object = {}) => ({
  match: { "tag:Name": "legacy_*" },
  snapshot: { retention: "4 days", minimum: 2, frequency: "12 hours", ...snapshot },
  ...more,
});

class StanzaStage {
  readonly stage: SweepStage;

  private constructor(stage: SweepStage) {
    this.stage = stage;
  }

  static async start(
    wishes: readonly SeriesWish[],
    stanzas: unknown,
    more = "",
    change: Partial<Scenario> = {},
  ) {
    const scenario = { ...fleetOf(wishes), clock: { speed: 1 }, copies: { seconds: 1, secondsPerGiB: 0 } };
    const its = new StanzaStage(await SweepStage.start({ ...scenario, ...change }));
    await its.stage.configure(`{ stanzas: ${its.file}${more} }`);
    await its.write(stanzas);
    return its;
  }

  get file(): string {
    return path.join(this.stage.folder, "stanzas.json");
  }

  write(stanzas: unknown): Promise<void> {
    return writeFile(this.file, typeof stanzas === "string" ? stanzas : JSON.stringify(stanzas));
  }

  async snapshots(place = home): Promise<readonly Snapshot[]> {
    const { snapshots } = await this.stage.simulator.control.state(place);
    return Object.values<Snapshot>(snapshots);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stage[Symbol.asyncDispose]();
  }
}

const created = (swept: Swept) =>
  swept.unit(home).create?.captured.map(({ instance, outcome }) => `${outcome} ${instance}`);

test.concurrent("stanzas say who is captured how often, which volumes are left alone and how long points are kept", async () => {
  const yearly = stanza(
    { match: { "instance-id": instanceId(3) } },
    { frequency: "0 5 1 1 ? 2020", minimum: 0 },
  );
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [1], name: "legacy_1", volumes: 3 },
    { number: 2, ages: [0], name: "legacy_2" },
    { number: 3, ages: [40], name: "other" },
    { number: 4, ages: [9], name: "legacy_4", tags: { Backup: "no" } },
    { number: 5, ages: [9], name: "legacy_5" },
    { number: 6, ages: [9], name: "nobody's", tags: { Backup: "yes" } },
  ];
  const stanzas = {
    legacy: stanza({ ignore: [volumeId(1, 2), instanceId(5)] }),
    "long/er": stanza(
      { ignore: [instanceId(5)] },
      { retention: "9 days", minimum: 1, frequency: "0 5 * * ? 2020" },
    ),
    yearly,
  };
  await using its = await StanzaStage.start(wishes, stanzas);
  const { stage } = its;
  const swept = await stage.sweep();
  expect([swept.code, created(swept)], swept.stdout + swept.stderr).toEqual([
    0,
    [`created ${instanceId(1)}`],
  ]);
  const point = swept.unit(home).create?.captured[0]?.point;
  const made = (await its.snapshots()).filter(({ tags }) => tags[tagKeys.point] === point);
  expect(made.map((one) => one.volumeId).sort()).toEqual([volumeId(1, 0), volumeId(1, 1)]);
  expect(made[0]?.tags).toMatchObject({
    "ec2-backup:stanza": "legacy/long_er",
    [tagKeys.retention]: expect.stringMatching(/^minimum=2 within=9d zone=UTC/),
  });
  expect(created(await stage.sweep())).toEqual([]);
  await stage.simulator.control.clock({ advance: "13h" });
  expect(created(await stage.sweep())?.sort()).toEqual(
    [1, 2].map((number) => `created ${instanceId(number)}`),
  );
  // Whoever asks for captures beside them has those of the tags as well.
  expect(created(await stage.sweep(["--dry-run", "--all"]))).toContain(`overdue ${instanceId(6)}`);
}, 60_000);

const within = (days: number, minimum: number): RetentionPolicy => ({
  counts: { minimum },
  within: days * day,
  timezone: "UTC",
  demanded: "crash",
  shrinkDelay: 7 * day,
});

test.concurrent("the minimum holds within one run, and what stanzas keep of an instance beyond what its points record stays", async () => {
  const ages = Array.from({ length: 10 }, (_, index) => index + 10);
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages, name: "legacy_1", policy: within(4, 0) },
    { number: 2, ages, name: "other", policy: within(4, 3) },
  ];
  await using its = await StanzaStage.start(wishes, stanza({}, { minimum: 5 }));
  const swept = await its.stage.sweep(["--only", "prune", "--yes"]);
  expect(swept.code, swept.stdout).toBe(0);
  expect(await its.stage.points()).toEqual(
    [
      ...ages.slice(0, 5).map((age) => pointId(1, age)),
      ...ages.slice(0, 3).map((age) => pointId(2, age)),
    ].sort(),
  );
});

test.concurrent("ignore_retention lets the last points of what is gone expire by the stanza that captured them, and nothing else", async () => {
  const marks = (name: string) => ({ "ec2-backup:stanza": name });
  const gone = { ages: [20, 21, 22], policy: within(4, 3), state: "gone" as const };
  const wishes: readonly SeriesWish[] = [
    { ...gone, number: 1, marks: marks("short") },
    { ...gone, number: 2, marks: marks("keeping") },
    { ...gone, number: 3, marks: marks("short/keeping") },
    { ...gone, number: 4 },
    { ...gone, number: 5, marks: marks("short"), volumesLeft: true },
    { ...gone, number: 6, marks: marks("short"), ages: [2, 3], policy: within(1, 3) },
  ];
  await using its = await StanzaStage.start(wishes, {
    short: stanza({ ignore_retention: true }),
    keeping: stanza(),
  });
  const before = await its.stage.points();
  expect((await its.stage.sweep(["--only", "prune"])).code).toBe(0);
  expect(before.filter((id) => [20, 21, 22].some((age) => id === pointId(1, age)))).toHaveLength(3);
  expect(await its.stage.points()).toEqual(
    before.filter((id) => ![20, 21, 22].some((age) => id === pointId(1, age))),
  );
});

test.concurrent("what is replicated is recorded at the capture, and copied also when the instance is gone", async () => {
  const tags = { replication_dst_region: "eu-west-1" };
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [], name: "legacy_1", tags },
    { number: 2, ages: [3], name: "legacy_2", tags },
    { number: 3, ages: [3], name: "other", tags },
  ];
  await using its = await StanzaStage.start(wishes, stanza({ replication: "yes" }), ", copy: true");
  const { stage } = its;
  expect((await stage.sweep(["--only", "create"])).code).toBe(0);
  const own = (await its.snapshots()).filter(
    ({ tags: written }) => written["ec2-backup:copy"] === "eu-west-1",
  );
  expect(own).toHaveLength(2);
  await stage.simulator.control.clock({ advance: "1h" });
  const place = await stage.simulator.control.state(home);
  expect(Object.keys(place.instances)).toContain(instanceId(1));
  await stage.simulator.control.instances({ change: { instance: instanceId(1), state: "terminated" } });
  const copied = await stage.sweep(["--only", "copy"]);
  expect(copied.code, copied.stdout).toBe(0);
  const points = (await its.snapshots(west)).map(({ tags: written }) =>
    written[tagKeys.instance]?.slice(-19),
  );
  // Of the second, which runs, only what is older than a day: what is newer is left to the agent that it may have.
  expect(points.sort()).toEqual([instanceId(1), instanceId(2)]);
  const left = copied.unit(home).copy?.destinations[0]?.leftToAgents;
  expect(left).toBe(1);
});

test.concurrent("what their tool has made is not ours: neither counted, removed nor copied", async () => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [], name: "legacy_1", tags: { replication_dst_region: "eu-west-1" } },
  ];
  const theirs = {
    id: "snap-0bbbbbbbbbbbbbbbb",
    volumeId: volumeId(1),
    startTime: new Date(Date.now() - 3_600_000).toISOString(),
    description: `Created from ${instanceId(1)} by EbsSnapper(0.7.0) for ami-1 from ${volumeId(1)}`,
    tags: { DeleteOn: "2020-01-01", replication_dst_region: "eu-west-1" },
  };
  const stanzas = stanza({ replication: "yes", ignore_retention: true });
  await using its = await StanzaStage.start(wishes, stanzas, ", copy: true", { snapshots: [theirs] });
  const swept = await its.stage.sweep();
  expect([swept.code, created(swept)], swept.stdout).toEqual([0, [`created ${instanceId(1)}`]]);
  expect((await its.snapshots()).map(({ id }) => id)).toContain(theirs.id);
  expect(await its.snapshots(west)).toEqual([]);
});

test.concurrent("all faults of the file are told at once with their places, and nothing is done", async () => {
  const wishes: readonly SeriesWish[] = [{ number: 1, ages: [1, 2, 3, 4, 30, 31], name: "legacy_1" }];
  await using its = await StanzaStage.start(
    wishes,
    '{\n "match": {},\n "snapshot": { "retention": "2 years" }\n}\n',
  );
  for (const words of [[], ["audit"]]) {
    const swept = await its.stage.sweep(words);
    expect(swept.code, swept.stdout + swept.stderr).toBe(78);
    const said = swept.stdout + swept.stderr;
    for (const place of [
      "stanzas.json:2:",
      "stanzas.json:3:",
      "never everything",
      "months and years are none",
    ])
      expect(said).toContain(place);
  }
  expect(its.stage.calls().filter(({ action }) => /^(Create|Delete|Copy)/.test(action ?? ""))).toEqual([]);
  const missing = await its.stage.sweep(["--stanzas", "/nonexistent/stanzas.json"]);
  expect(missing.code).toBe(78);
});
