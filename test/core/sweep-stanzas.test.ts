import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Volume } from "../../src/core/instance.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { isDue, jointPolicy, type Stanza, stanzasOf, volumesOf } from "../../src/core/stanzas.ts";
import type { Overdue } from "../../src/core/sweep-create.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";
import {
  expiryByStanzas,
  newestOfVolumes,
  planStanzas,
  regionsByStanzas,
  rulesByStanzas,
  stanzaWishes,
} from "../../src/core/sweep-stanzas.ts";
import { type LooseVolume, planVolumes, tagsOfVolume, volumeSeries } from "../../src/core/sweep-volumes.ts";
import { at, day, earlier, hour, point, snapshot } from "./points.ts";

const now = at("2027-06-16T09:41");
const volumes = ["vol-1", "vol-2", "vol-3"];

const someStanza = fc
  .record({
    name: fc.constantFrom("a", "b", "*"),
    retention: fc.integer({ min: 1, max: 9 }),
    minimum: fc.nat(5),
    every: fc.integer({ min: 1, max: 48 }),
    ignore: fc.subarray(["i-1", ...volumes]),
    ignoreRetention: fc.boolean(),
    replication: fc.boolean(),
  })
  .map(
    ({ name, retention, every, ...more }): Omit<Stanza, "id"> => ({
      ...more,
      match: [{ name: "tag:Name", values: [name] }],
      retention: retention * day,
      frequency: { every: every * hour },
    }),
  );
const someStanzas = fc
  .array(someStanza, { maxLength: 4 })
  .map((all) => all.map((one, index): Stanza => ({ ...one, id: `stanza ${index + 1}` })));

const instanceOf = (id: string, tags: Readonly<Record<string, string>>): SweepInstance => ({
  id,
  arn: `arn:aws:ec2:eu-central-1:123456789012:instance/${id}`,
  account: "123456789012",
  region: "eu-central-1",
  state: "running",
  tags,
  volumes,
});
const instances = [instanceOf("i-1", { Name: "a" }), instanceOf("i-2", { Name: "b", Backup: "no" })];
const wished = (tags: SweepInstance["tags"]) => (tags["Backup"] === "no" ? false : undefined);
const made = (volumeId: string, hours: number, wish: Partial<Snapshot> = {}) =>
  snapshot({ id: `snap-${volumeId}-${hours}`, volumeId, startTime: earlier(now, hours * hour), ...wish });
const someSnapshots = fc
  .array(fc.tuple(fc.constantFrom(...volumes), fc.nat(60)))
  .map((all) => all.map(([volume, hours]) => made(volume, hours)));

function plan(stanzas: readonly Stanza[], snapshots: readonly Snapshot[]): readonly Overdue[] {
  return planStanzas({ instances, newest: new Map(), wished }, newestOfVolumes(snapshots), stanzas, now);
}

describe("captures by stanzas", () => {
  test("are due where a volume of a stanza is, of all volumes of the stanzas that are due and of no other", () => {
    fc.assert(
      fc.property(someStanzas, someSnapshots, (stanzas, snapshots) => {
        const newest = newestOfVolumes(snapshots);
        const [first, ...others] = plan(stanzas, snapshots);
        expect(others, "who is left out by a tag is left out").toEqual([]);
        const [instance] = instances;
        if (instance === undefined) throw new Error("none");
        const its = stanzasOf(instance, stanzas);
        const due = its.filter((one) =>
          volumesOf(instance, one).some((id) => isDue(one, newest.get(id)?.startTime, now)),
        );
        expect(first === undefined).toBe(due.length === 0);
        if (first === undefined) return;
        const taken = volumes.filter((id) => !first.exclude?.includes(id));
        expect(taken).toEqual(volumes.filter((id) => due.some((one) => !one.ignore.includes(id))));
        expect(first.policy).toEqual(jointPolicy(its));
      }),
    );
  });

  test("are not due again right after, whatever the stanzas", () => {
    fc.assert(
      fc.property(someStanzas, someSnapshots, (stanzas, snapshots) => {
        const [first] = plan(stanzas, snapshots);
        const fresh = volumes.filter((id) => !first?.exclude?.includes(id)).map((id) => made(id, 0));
        expect(first === undefined ? [] : plan(stanzas, [...snapshots, ...fresh])).toEqual([]);
      }),
    );
  });

  test("record what the tags of volumes and instance say of copies, and whose stanzas they were", () => {
    const stanza = { ...everyHour, replication: true };
    const instance = instanceOf("i-1", { Name: "a", replication_dst_region: "us-west-2" });
    const discovered = {
      instance: { ...instance, zone: "", type: "", rootDevice: "" },
      volumes: [
        { id: "vol-1", tags: {} },
        { id: "vol-2", tags: { replication_dst_region: "eu-west-1 eu-central-1 rubbish!" } },
      ] as unknown as readonly Volume[],
    };
    const one = { instance, job: "default", policy: policyOfHour, stanzas: [stanza], exclude: ["vol-3"] };
    expect(stanzaWishes(one, discovered)).toEqual({
      volumes: { root: true, exclude: [{ id: "vol-3" }] },
      addTags: { "ec2-backup:stanza": "stanza 1" },
      copy: [{ region: "us-west-2" }, { region: "eu-west-1" }],
    });
    const recorded = [{ region: "eu-west-1", kmsKeyId: "alias/a" }];
    expect(stanzaWishes({ ...one, copy: recorded }, discovered).copy).toEqual([
      ...recorded,
      { region: "us-west-2" },
    ]);
    expect(regionsByStanzas(instance, [stanza])).toEqual(["us-west-2"]);
    expect(regionsByStanzas(instance, [everyHour])).toEqual([]);
  });
});

const everyHour: Stanza = {
  id: "stanza 1",
  match: [{ name: "tag:Name", values: ["a"] }],
  retention: 4 * day,
  minimum: 5,
  frequency: { every: hour },
  ignore: [],
  ignoreRetention: false,
  replication: false,
};
const policyOfHour = jointPolicy([everyHour]) ?? {
  counts: {},
  timezone: "UTC",
  demanded: "crash" as const,
  shrinkDelay: 0,
};

describe("what stanzas say of removals", () => {
  test("is what any of them keeps of a living instance", () => {
    const longer = { ...everyHour, id: "stanza 2", retention: 9 * day, minimum: 1 };
    const [first, second] = instances;
    expect(first && rulesByStanzas(first, [everyHour, longer])).toEqual({
      counts: { minimum: 5 },
      within: 9 * day,
    });
    expect(second && rulesByStanzas(second, [everyHour])).toBeUndefined();
  });

  test("lets the last ones of what is gone go only if all stanzas that captured them say so, and never before a week", () => {
    fc.assert(
      fc.property(someStanzas, fc.array(fc.nat(5), { maxLength: 3 }), (stanzas, numbers) => {
        const names = [...new Set(numbers)].map((number) => `stanza ${number + 1}`);
        const one = point(now, { id: "p-1", volumes: ["vol-a"] });
        const tagged = {
          ...one,
          snapshots: one.snapshots.map((each) => ({
            ...each,
            tags: { "ec2-backup:stanza": names.join("/") },
          })),
        };
        const its = names.map((name) => stanzas.find(({ id }) => id === name));
        const expiry = expiryByStanzas(tagged, stanzas);
        const isSilent = names.length === 0 || its.some((each) => each?.ignoreRetention !== true);
        const longest = Math.max(7 * day, ...its.map((each) => each?.retention ?? 0));
        expect(expiry).toBe(isSilent ? undefined : longest);
      }),
    );
    expect(
      expiryByStanzas(point(now, { id: "p-1", volumes: ["vol-a"] }), [
        { ...everyHour, ignoreRetention: true },
      ]),
    ).toBeUndefined();
  });
});

describe("volumes without an instance", () => {
  const volume = (tags: Readonly<Record<string, string>>): LooseVolume => ({
    id: "vol-0a",
    sizeGiB: 5,
    type: "gp3",
    iops: 3000,
    tags,
  });
  const facts = {
    wished: (tags: Readonly<Record<string, string>>) =>
      tags["Backup"] === undefined ? undefined : tags["Backup"] !== "no",
    tagged: () => undefined,
  };
  const leftOut = (tags: Readonly<Record<string, string>>) =>
    tags["Backup"] === "no" ? "Backup=no" : undefined;
  const due = (tags: Readonly<Record<string, string>>, all: boolean, last?: Snapshot) =>
    planVolumes(
      {
        ...facts,
        leftOut,
        volumes: [volume(tags)],
        newest: new Map(last === undefined ? [] : [["vol-0a", last]]),
      },
      { overdueAfter: 26 * hour, all },
      now,
    );

  test("are due by their tags or all of them, when none or an old snapshot of ours has them, and as their last point was kept", () => {
    expect(
      [due({}, false), due({}, true), due({ Backup: "no" }, true), due({ Backup: "yes" }, false)].map(
        ({ length }) => length,
      ),
    ).toEqual([0, 1, 0, 1]);
    expect(due({}, true, made("vol-0a", 26))).toEqual([]);
    const words = {
      [tagKeys.retention]: "last=3 zone=UTC demanded=crash delay=7d",
      "ec2-backup:copy": "eu-west-1",
    };
    expect(due({}, true, made("vol-0a", 27, { tags: words }))).toMatchObject([
      { policy: { counts: { last: 3 } }, copy: "eu-west-1" },
    ]);
    const rubbish = { [tagKeys.retention]: "rubbish" };
    expect(due({}, true, made("vol-0a", 27, { tags: rubbish }))).toMatchObject([{ policy: { counts: {} } }]);
  });

  test("have points with ours of the tags before theirs, at most fifty, and none that would mean something on a snapshot", () => {
    const keys = fc.stringMatching(/^[A-Za-z]{1,12}$/);
    fc.assert(
      fc.property(fc.dictionary(keys, fc.string({ maxLength: 9 }), { maxKeys: 50 }), (theirs) => {
        const tags = {
          ...theirs,
          "aws:x": "1",
          KeepForever: "yes",
          DeleteOn: "2020-01-01",
          "ec2-backup:point": "x",
        };
        const [one] = due(tags, true);
        if (one === undefined) throw new Error("one without a Backup tag is due");
        const arn = "arn:aws:ec2:eu-central-1:123456789012:volume/vol-0a";
        const birth = { pointId: "p", runId: "r", arn, captured: now, version: "1" };
        const { tags: written } = tagsOfVolume(one, birth);
        expect(Object.keys(written).length).toBeLessThanOrEqual(50);
        expect(written).toMatchObject({
          [tagKeys.point]: "p",
          [tagKeys.series]: volumeSeries(arn),
          [`${tagKeys.manifest}1`]: "vol-0a type=gp3 gib=5 iops=3000",
        });
        expect(Object.keys(written).filter((key) => /^aws:|^KeepForever$|^DeleteOn$/.test(key))).toEqual([]);
      }),
    );
  });
});
