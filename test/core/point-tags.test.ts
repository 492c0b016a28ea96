import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Tags } from "../../src/core/instance.ts";
import { decodeManifest } from "../../src/core/manifest.ts";
import { type Birth, descriptionOf, maxTags, pointsOf, tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import { at, day, instance, job, later, policy, series, snapshot, volume, volumes } from "./points.ts";

const captured = at("2027-03-28T01:00");

function birth(wish: Partial<Birth> = {}): Birth {
  return {
    pointId: "0195d0c8-aaaa-7000-8000-000000000001",
    runId: "0195d0c8-aaaa-7000-8000-000000000002",
    job: job(),
    instance,
    captured,
    volumes: volumes(3),
    version: "0.1.0",
    ...wish,
  };
}

const many = (count: number, prefix = "tag"): Tags =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, "value"]));

/** Whether no half of a character stands alone in the text. */
const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

/** How many tags the fullest member of the set will have. */
function countOf({ tags, copyVolumeTags }: ReturnType<typeof tagsOf>, { volumes: all }: Birth): number {
  const copied = all.map((one) => Object.keys(one.tags).filter((key) => !key.startsWith("aws:")));
  return Math.max(
    0,
    ...copied.map((keys) => new Set([...(copyVolumeTags ? keys : []), ...Object.keys(tags)]).size),
  );
}

describe("the tags of a set", () => {
  test("look like this", () => {
    expect(tagsOf(birth({ volumes: volumes(1), job: job({ addTags: { Team: "storage" } }) }))).toEqual({
      tags: {
        Team: "storage",
        "ec2-backup:point": "0195d0c8-aaaa-7000-8000-000000000001",
        "ec2-backup:run": "0195d0c8-aaaa-7000-8000-000000000002",
        "ec2-backup:job": "default",
        "ec2-backup:series": `${instance.arn}/default`,
        "ec2-backup:instance": instance.arn,
        "ec2-backup:name": "web-1",
        "ec2-backup:captured": "2027-03-28T01:00:00.000Z",
        "ec2-backup:retention": "minimum=3 within=7d zone=UTC demanded=crash delay=7d",
        "ec2-backup:consistency": "crash",
        "ec2-backup:version": "0.1.0",
        "ec2-backup:manifest.1":
          "vol-00000000000000000 dev=/dev/xvda role=root type=gp3 gib=100 iops=3000 mibps=125 dot=1",
      },
      copyVolumeTags: true,
      dropped: [],
    });
  });

  test.each([1, 4, 40, 128])("bring back the point of %i volumes when they are read", (count) => {
    const rules = policy({
      last: 3,
      daily: 7,
      within: 90 * 60_000,
      timezone: "Europe/Berlin",
      demanded: "application",
    });
    const all = volumes(count);
    const { tags } = tagsOf(birth({ volumes: all, job: job({ retention: rules }) }));
    const members = all.map((one) =>
      snapshot({ id: `snap-${one.id}`, volumeId: one.id, startTime: captured, tags }),
    );
    const [point, ...others] = pointsOf(members, captured);
    expect(others).toEqual([]);
    expect(point).toMatchObject({
      id: "0195d0c8-aaaa-7000-8000-000000000001",
      run: "0195d0c8-aaaa-7000-8000-000000000002",
      job: "default",
      series,
      instanceArn: instance.arn,
      name: "web-1",
      state: "complete",
      captured,
      consistency: "crash",
      policy: rules,
      holds: [],
    });
    expect(point?.snapshots).toHaveLength(count);
    expect(point?.recipe.map((one) => one.volumeId)).toEqual(all.map((one) => one.id));
    if (tags["ec2-backup:manifest.1"]?.includes("type=") === true) {
      expect(point?.recipe.map((one) => one.device)).toEqual(all.map((one) => one.device));
    }
    const half = pointsOf(members.slice(1), captured);
    expect(half.map((one) => one.state)).toEqual(count === 1 ? [] : ["partial"]);
  });

  test("are never more than 50 on any member, nor longer than EC2 allows, whatever the names and tags are", () => {
    const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 300 }));
    const key = fc.oneof(
      fc.string({ minLength: 1, maxLength: 20 }),
      fc.constantFrom("Name", "aws:cloudformation:x", "toString"),
    );
    const tags = (most: number) =>
      fc
        .array(fc.tuple(key, fc.string({ maxLength: 10 })), { maxLength: most })
        .map((pairs) => Object.fromEntries(pairs));
    const wish = fc.record({
      count: fc.constantFrom(0, 1, 4, 40, 128),
      name: text,
      own: tags(50),
      extra: tags(30),
    });
    fc.assert(
      fc.property(wish, ({ count, name, own, extra }) => {
        const about = birth({
          volumes: volumes(count, (index) => (index % 2 === 0 ? { tags: own } : {})),
          instance: { ...instance, name },
          job: job({ addTags: extra, dialect: count === 4 ? "seed2" : "none" }),
        });
        const made = tagsOf(about);
        expect(countOf(made, about)).toBeLessThanOrEqual(maxTags);
        expect(Object.keys(made.tags).length).toBeLessThanOrEqual(maxTags);
        for (const [name, value] of Object.entries(made.tags)) {
          expect(name.length).toBeLessThanOrEqual(127);
          if (name.startsWith("ec2-backup:")) expect(value.length).toBeLessThanOrEqual(256);
          if (name.startsWith("ec2-backup:") && name !== tagKeys.name) {
            expect(value).toMatch(/^[\p{L}\p{N} +\-=._:/@]+$/u);
          }
        }
        const manifest = Object.entries(made.tags).filter(([name]) => name.startsWith(tagKeys.manifest));
        expect(decodeManifest(manifest.map(([, value]) => value)).length).toBe(count);
      }),
      { numRuns: 150 },
    );
  });

  test("never cut a character of the instance's name in half", () => {
    const { tags } = tagsOf(birth({ instance: { ...instance, name: `x${"𝒜".repeat(200)}` } }));
    expect(tags[tagKeys.name]).toBe(`x${"𝒜".repeat(127)}`);
    expect(isWellFormed(tags[tagKeys.name] ?? "")).toBe(true);
  });

  test("lack a name where the instance has none", () => {
    const { name: _, ...nameless } = instance;
    for (const one of [nameless, { ...nameless, name: "" }]) {
      expect(tagsOf(birth({ instance: one })).tags).not.toHaveProperty([tagKeys.name]);
    }
  });

  test("are ours where the configuration adds one of the same key", () => {
    const { tags } = tagsOf(
      birth({ job: job({ addTags: { [tagKeys.point]: "other", [tagKeys.series]: "other" } }) }),
    );
    expect(tags[tagKeys.point]).toBe(birth().pointId);
    expect(tags[tagKeys.series]).toBe(series);
  });

  test("name the day from which another tool may delete, where that dialect is asked for", () => {
    const { tags } = tagsOf(
      birth({
        captured: new Date("2020-01-01T00:00:00Z"),
        asOf: new Date("2027-03-28T02:00:00Z"),
        job: job({ dialect: "seed2", retention: policy({ within: 7 * day }) }),
      }),
    );
    expect(tags).toMatchObject({ Type: "Automated", DeleteOn: "2027-04-04" });
  });

  test("name no day where EC2's clock is not known", () => {
    const { tags } = tagsOf(
      birth({ job: job({ dialect: "seed2", retention: policy({ within: 7 * day }) }) }),
    );
    expect(tags["Type"]).toBe("Automated");
    expect(tags).not.toHaveProperty("DeleteOn");
  });
});

describe("where there are too many tags", () => {
  const hints = "restore hints of the volumes (type, device, size)";
  const made = (volumeTags: number, added: number, count = 40) =>
    tagsOf(
      birth({
        volumes: volumes(count, () => ({ tags: many(volumeTags, "own") })),
        job: job({ addTags: many(added, "added") }),
      }),
    );
  const identity = 10;
  const ids = 4;

  test("the hints go first", () => {
    const { dropped, tags, copyVolumeTags } = made(30, 50 - identity - ids - 30);
    expect(dropped).toEqual([hints]);
    expect(copyVolumeTags).toBe(true);
    expect(Object.keys(tags)).toHaveLength(20);
    expect(tags).toHaveProperty("added-0");
  });

  test("then the tags that the configuration adds", () => {
    const { dropped, tags, copyVolumeTags } = made(30, 50 - identity - ids - 30 + 1);
    expect(dropped).toEqual([hints, "the tags of tags.add"]);
    expect(copyVolumeTags).toBe(true);
    expect(tags).not.toHaveProperty("added-0");
  });

  test("then the copies of the volumes' own tags, and with that room the others come back", () => {
    const { dropped, tags, copyVolumeTags } = made(50 - identity - ids + 1, 5);
    expect(dropped).toEqual(["the volumes' own tags"]);
    expect(copyVolumeTags).toBe(false);
    expect(tags).toHaveProperty("added-0");
    expect(tags["ec2-backup:manifest.1"]).toContain("type=gp3");
  });

  test("tags that AWS made itself do not count, since they are not copied", () => {
    const own = { ...many(20, "aws:x"), ...many(10, "own") };
    const { dropped } = tagsOf(birth({ volumes: volumes(40, () => ({ tags: own })) }));
    expect(dropped).toEqual([]);
  });

  test("the volumes of which the recipe was cut down are still all known", () => {
    const { tags } = made(30, 5, 128);
    const manifest = Object.entries(tags).filter(([key]) => key.startsWith(tagKeys.manifest));
    expect(decodeManifest(manifest.map(([, value]) => value))).toHaveLength(128);
  });
});

describe("a volume's own tag that has the key of one of ours", () => {
  test.each([["ec2-backup:point"], ["ec2-backup:anything"], ["Type"], ["DeleteOn"], ["Team"]])(
    "switches the copying off (%s)",
    (key) => {
      const all = [volume({ id: "vol-0a" }), volume({ id: "vol-0b", tags: { [key]: "x" } })];
      const { copyVolumeTags, dropped } = tagsOf(
        birth({ volumes: all, job: job({ addTags: { Team: "a" } }) }),
      );
      expect(copyVolumeTags).toBe(false);
      expect(dropped).toEqual(["the volumes' own tags (vol-0b has one of ours)"]);
    },
  );

  test.each(["Name", "toString", "constructor", "EC2-Backup:point"])("is not seen in the key %s", (key) => {
    const { copyVolumeTags } = tagsOf(birth({ volumes: [volume({ tags: { [key]: "x" } })] }));
    expect(copyVolumeTags).toBe(true);
  });
});

describe("the description of a set", () => {
  test("names instance, job and region", () => {
    expect(descriptionOf(instance, "nightly")).toBe("web-1 (i-0123456789abcdef0) - nightly - eu-central-1");
    const { name: _, ...nameless } = instance;
    expect(descriptionOf(nameless, "nightly")).toBe("(i-0123456789abcdef0) - nightly - eu-central-1");
  });

  test("is at most 255 characters long and always ends with what identifies it", () => {
    const name = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 256 }));
    fc.assert(
      fc.property(name, fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/), (text, jobName) => {
        const description = descriptionOf({ ...instance, name: text }, jobName);
        expect(description.length).toBeLessThanOrEqual(255);
        expect(description).toContain(`(${instance.id}) - ${jobName} - ${instance.region}`);
        expect(isWellFormed(description)).toBe(isWellFormed(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe("reading snapshots back", () => {
  const tagged = (tags: Tags, wish = {}) => snapshot({ tags: { [tagKeys.point]: "p", ...tags }, ...wish });

  test("never throws, whatever the tags are, and each snapshot of a point is in exactly one", () => {
    const key = fc.oneof(
      fc.constantFrom(
        ...Object.values(tagKeys),
        "ec2-backup:manifest.1",
        "KeepForever",
        "DeleteOn",
        "__proto__",
        "toString",
      ),
      fc.string(),
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("", "crash", "vol-0a", "2027-13-45", "last=3 zone=UTC demanded=crash delay=7d", "yes"),
    );
    const some = fc.record({
      tags: fc.array(fc.tuple(key, value), { maxLength: 12 }).map((pairs) => Object.fromEntries(pairs)),
      state: fc.constantFrom("pending", "completed", "error", "recoverable", "recovering"),
      volumeId: fc.constantFrom("vol-0a", "vol-0b", "vol-ffffffff"),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (list) => {
        const all = list.map((one, index) =>
          snapshot({ ...one, id: `snap-${index}` } as Parameters<typeof snapshot>[0]),
        );
        const points = pointsOf(all, captured);
        const known = all.filter(
          (one) => one.tags[tagKeys.point] !== undefined && !one.state.startsWith("recover"),
        );
        expect(points.flatMap((one) => one.snapshots.map(({ id }) => id)).sort()).toEqual(
          known.map((one) => one.id).sort(),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("goes by EC2's start time and not by the host's, which may lie", () => {
    const { tags } = tagsOf(birth({ captured: later(captured, 365 * day) }));
    const [point] = pointsOf([snapshot({ startTime: captured, tags })], captured);
    expect(point?.captured).toEqual(captured);
  });

  test("leaves out snapshots that are nobody's and those in the Recycle Bin", () => {
    const points = pointsOf(
      [
        snapshot(),
        tagged({}, { id: "snap-2", state: "recoverable" }),
        tagged({}, { id: "snap-3", state: "recovering" }),
      ],
      captured,
    );
    expect(points).toEqual([]);
  });

  test("knows what a member lost as long as another still has it", () => {
    const { tags } = tagsOf(birth({ volumes: volumes(2) }));
    const [first, second] = volumes(2).map((one) => one.id);
    const bare = { [tagKeys.point]: birth().pointId };
    const members = [
      snapshot({ id: "snap-1", volumeId: first ?? "", tags: bare }),
      snapshot({ id: "snap-2", volumeId: second ?? "", tags }),
    ];
    for (const order of [members, members.toReversed()]) {
      expect(pointsOf(order, captured)).toMatchObject([
        { series, state: "complete", policy: { within: 7 * day } },
      ]);
    }
  });

  test.each(["7d", "", "daily=7", "daily=7 zone=UTC demanded=crash delay=7d x"])(
    "takes the recorded policy %j for unreadable, never for none",
    (text) => {
      expect(pointsOf([tagged({ [tagKeys.retention]: text })], captured)).toMatchObject([
        { policy: "unreadable" },
      ]);
    },
  );

  test("takes a missing policy for none and an unknown consistency for the least", () => {
    const [point] = pointsOf([tagged({ [tagKeys.consistency]: "splendid" })], captured);
    expect(point).not.toHaveProperty("policy");
    expect(point?.consistency).toBe("crash");
    expect(pointsOf([tagged({ [tagKeys.consistency]: "application" })], captured)[0]?.consistency).toBe(
      "application",
    );
  });
});

describe("a snapshot that says it is to stay", () => {
  const asOf = at("2027-03-28T23:30");
  const holdsOf = (tags: Tags) =>
    pointsOf([snapshot({ tags: { [tagKeys.point]: "p", ...tags } })], asOf)[0]?.holds.map((hold) => hold.by);

  const cases: [Tags, string[]][] = [
    [{}, []],
    [{ KeepForever: "yes" }, ["keep-forever"]],
    [{ KeepForever: "" }, ["keep-forever"]],
    [{ KeepForever: "nope" }, ["keep-forever"]],
    [{ KeepForever: "no" }, []],
    [{ KeepForever: " False " }, []],
    [{ keepforever: "yes" }, []],
    [{ DeleteOn: "2027-03-29" }, ["delete-on"]],
    [{ DeleteOn: "2027-03-28" }, []],
    [{ DeleteOn: "2020-01-01" }, []],
    [{ DeleteOn: "tomorrow" }, []],
    [{ "aws:backup:source-resource": "arn" }, ["aws-backup"]],
    [{ "aws:dlm:lifecycle-policy-id": "policy-1" }, ["dlm"]],
    [{ KeepForever: "yes", DeleteOn: "2030-01-01" }, ["keep-forever", "delete-on"]],
  ];
  test.each(cases)("with the tags %j is held by %j", (tags, by) => {
    expect(holdsOf(tags)).toEqual(by);
  });

  test("holds its whole set", () => {
    const tags = { [tagKeys.point]: "p" };
    const [point] = pointsOf(
      [
        snapshot({ id: "snap-1", volumeId: "vol-1", tags }),
        snapshot({ id: "snap-2", volumeId: "vol-2", tags: { ...tags, KeepForever: "yes" } }),
      ],
      asOf,
    );
    expect(point?.holds).toEqual([{ by: "keep-forever", detail: "snap-2 has the tag KeepForever=yes" }]);
  });
});
