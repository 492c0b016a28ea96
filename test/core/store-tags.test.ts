import { describe, expect, test } from "vitest";
import { defaultRetention } from "../../src/core/retention-policy.ts";
import { sftpAddress } from "../../src/core/sftp-address.ts";
import { storedPoints } from "../../src/core/store-point.ts";
import type { StoredSnapshot } from "../../src/core/store-ports.ts";
import { decodeTag, encodeTag, ownTags, storedTags } from "../../src/core/store-tags.ts";

const birth = {
  pointId: "p1",
  runId: "r1",
  job: "nightly",
  instanceArn: "host/build",
  name: "a, b",
  retention: defaultRetention,
  consistency: "application",
  version: "1.0.0",
  subject: { content: "dump", dump: "shop", kind: "mariadb" },
  tags: ["tier=gold", "ec2-backup:point=forged"],
} as const;

const snapshot = (
  id: string,
  tags: readonly string[],
  more: Partial<StoredSnapshot> = {},
): StoredSnapshot => ({
  id: id.repeat(64),
  time: new Date("2026-03-01T02:00:00Z"),
  host: "here",
  paths: ["/shop.sql"],
  tags,
  ...more,
});

describe("tags of stored points", () => {
  test.each([
    "a,b",
    "100%",
    "%2C",
    " spaces at its ends ",
    "two\nlines",
    "within spaces stay",
    "ä€",
    "",
    "%zz",
    "%FF",
  ])("%j comes back from restic as it was", (text) => {
    const encoded = encodeTag(text);
    // What restic does with its words.
    const stored = encoded.split(",").map((part) => part.trim());
    expect(stored).toHaveLength(1);
    expect(decodeTag(stored[0] ?? "")).toBe(text);
  });

  test("nobody else's tag says what a point is", () => {
    const tags = storedTags(birth);
    expect(tags).toContain("tier=gold");
    expect(tags).not.toContain("ec2-backup:point=forged");
    expect(ownTags([...tags, "ec2-backup:point=later"])["ec2-backup:point"]).toBe("p1");
  });

  test("a snapshot becomes the point that it was born as; others are nobody's", () => {
    const tags = storedTags(birth);
    const found = storedPoints(
      [snapshot("a", tags, { bytes: 7 }), snapshot("b", ["mine"]), snapshot("c", ["ec2-backup:point=x"])],
      { repository: "central" },
    );
    expect(found).toMatchObject([
      {
        id: "p1",
        run: "r1",
        job: "nightly",
        series: "host/build/nightly/dump/shop",
        instanceArn: "host/build",
        name: "a, b",
        state: "complete",
        consistency: "application",
        policy: defaultRetention,
        holds: [],
        snapshots: [{ id: "a".repeat(64), volumeId: "dump/shop", fullSizeBytes: 7, state: "completed" }],
        stored: { repository: "central", kind: "mariadb", dump: "shop", tags: ["tier=gold"], markers: [] },
      },
    ]);
  });

  test("a marker makes its snapshot partial, and each copy of it", () => {
    const tags = storedTags(birth);
    const marker = snapshot("m", [`ec2-backup:partial-of=${"a".repeat(64)}`]);
    const stateOf = (one: StoredSnapshot) =>
      storedPoints([one, marker], { repository: "r" }).map(({ state }) => state);
    expect(stateOf(snapshot("a", tags))).toEqual(["partial"]);
    expect(stateOf(snapshot("c", tags, { original: "a".repeat(64) }))).toEqual(["partial"]);
    expect(stateOf(snapshot("d", tags))).toEqual(["complete"]);
  });

  test("two that say that they are one point stand for none, and none of them goes", () => {
    const tags = storedTags(birth);
    expect(storedPoints([snapshot("a", tags), snapshot("b", tags)], { repository: "r" })).toMatchObject([
      { state: "partial", holds: [{ by: "mixed" }] },
    ]);
  });

  test("one that two hosts copied at once is one point, whatever restic lists first", () => {
    const tags = storedTags(birth);
    const copy = { original: "a".repeat(64), tree: "t" };
    const set = [snapshot("c", tags, { ...copy, bytes: 7 }), snapshot("b", tags, copy)];
    const [b, c] = ["b".repeat(64), "c".repeat(64)];
    for (const listed of [set, set.toReversed()])
      expect(storedPoints(listed, { repository: "r" })).toMatchObject([
        { state: "complete", holds: [], snapshots: [{ id: b }], stored: { twins: [c] } },
      ]);
    const marker = snapshot("m", [`ec2-backup:partial-of=${c}`]);
    expect(storedPoints([...set, marker], { repository: "r" })).toMatchObject([{ state: "partial" }]);
  });

  test.each<[string, Partial<StoredSnapshot>]>([
    ["content", { tree: "u" }],
    ["time", { time: new Date("2026-03-01T02:00:01Z") }],
    ["paths", { paths: ["/other.sql"] }],
    ["host", { host: "there" }],
    ["tags", { tags: [...storedTags(birth), "more"] }],
    ["origin", { original: "f".repeat(64) }],
  ])("a copy of another %s stands beside none", (_, other) => {
    const copy = { original: "a".repeat(64), tree: "t" };
    const tags = storedTags(birth);
    const mixed = [{ state: "partial", holds: [{ by: "mixed" }] }];
    const found = (...set: StoredSnapshot[]) => storedPoints(set, { repository: "r" });
    const forged = snapshot("b", tags, { ...copy, ...other });
    expect(found(forged, snapshot("c", tags, copy))).toMatchObject(mixed);
    expect(found(forged, snapshot("c", tags, copy), snapshot("d", tags, copy))).toMatchObject(mixed);
    // Nor does one beside its own copy, or beside copies of which nobody knows what they hold.
    expect(found(snapshot("a", tags, { tree: "t" }), snapshot("c", tags, copy))).toMatchObject(mixed);
    const { original } = copy;
    expect(found(snapshot("b", tags, { original }), snapshot("c", tags, { original }))).toMatchObject(mixed);
  });
});

test.each([
  ["sftp:me@host:/srv/x", { user: "me", host: "host", path: "/srv/x" }],
  ["sftp:host:x", { host: "host", path: "x" }],
  ["sftp://me@[::1]:2222//srv/x", { user: "me", host: "::1", port: "2222", path: "/srv/x" }],
  ["sftp://host/x", { host: "host", path: "x" }],
  ["/srv/x", undefined],
])("the address %s", (url, address) => {
  expect(sftpAddress(url)).toEqual(address);
});
