import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Volume } from "../../src/core/instance.ts";
import type { VolumeSelection } from "../../src/core/job.ts";
import { type CaptureScope, type Selected, scopeOf, selectVolumes } from "../../src/core/selection.ts";
import { volume, volumes } from "./points.ts";

const root = volume({ id: "vol-root", device: "/dev/xvda", root: true });
const logs = volume({ id: "vol-logs", device: "/dev/sdf", tags: { Role: "logs" } });
const data = volume({ id: "vol-data", device: "sdg", tags: { Role: "data", Tier: "" } });

/** What the tag reader of the configuration does, reduced to its essence. */
const byTag = (one: Volume) => (one.tags["Backup"] === "no" ? "Backup=no" : undefined);

function select(all: readonly Volume[], wish: Partial<VolumeSelection> = {}): Selected {
  return selectVolumes(all, { root: true, exclude: [], ...wish }, byTag);
}

const reasons = ({ chosen, left }: Selected) => ({
  chosen: Object.fromEntries(chosen.map((one) => [one.volume.id, one.because])),
  left: Object.fromEntries(left.map((one) => [one.volume.id, one.because])),
});

function scope(selected: Selected): CaptureScope {
  const result = scopeOf(selected);
  if (!("expected" in result)) throw new Error(result.found);
  return result;
}

describe("the volumes of a job", () => {
  test("are all of them where nobody says otherwise, the root first", () => {
    const selected = select([data, logs, root]);
    expect(reasons(selected)).toEqual({
      chosen: { "vol-root": "root", "vol-logs": "attached", "vol-data": "attached" },
      left: {},
    });
    expect(selected.chosen[0]?.volume).toBe(root);
  });

  test("are the data volumes alone where root is switched off", () => {
    expect(reasons(select([root, logs], { root: false }))).toEqual({
      chosen: { "vol-logs": "attached" },
      left: { "vol-root": "root is switched off" },
    });
  });

  test.each([
    [{ id: "vol-logs" }, "id vol-logs"],
    [{ device: "/dev/sdf" }, "device /dev/sdf"],
    [{ device: "sdf" }, "device sdf"],
    [{ tag: "Role=logs" }, "tag Role=logs"],
  ])("can be named to be left out or to be the only ones by %j", (matcher, words) => {
    expect(reasons(select([root, logs, data], { exclude: [matcher] }))).toEqual({
      chosen: { "vol-root": "root", "vol-data": "attached" },
      left: { "vol-logs": `excluded by ${words}` },
    });
    expect(reasons(select([root, logs, data], { include: [matcher] }))).toEqual({
      chosen: { "vol-root": "root", "vol-logs": `included by ${words}` },
      left: { "vol-data": "not among the included" },
    });
  });

  test.each([
    ["/dev/sdg", "sdg"],
    ["sdg", "/dev/sdg"],
  ])("are found by the device %s also where EC2 writes %s", (device, written) => {
    const one = volume({ id: "vol-x", device: written });
    expect(select([one], { include: [{ device }] }).chosen).toHaveLength(1);
  });

  test.each([
    ["Role", ["vol-logs", "vol-data"]],
    ["Tier", ["vol-data"]],
    ["Tier=", ["vol-data"]],
    ["Role=", []],
    ["role=logs", []],
    ["Role=log", []],
    ["constructor", []],
    ["toString", []],
  ])("with the tag %j are %j", (tag, ids) => {
    const { chosen } = select([logs, data], { include: [{ tag }] });
    expect(chosen.map((one) => one.volume.id)).toEqual(ids);
  });

  test("match a tag whose value holds an equals sign", () => {
    const one = volume({ tags: { Query: "a=b" } });
    expect(select([one], { include: [{ tag: "Query=a=b" }] }).chosen).toHaveLength(1);
  });

  test("never include one that is excluded as well", () => {
    const wish = { include: [{ id: "vol-logs" }], exclude: [{ tag: "Role" }] };
    expect(reasons(select([logs], wish)).left).toEqual({ "vol-logs": "excluded by tag Role" });
  });

  test("can lack the root volume by its name, which excludes it like any other", () => {
    expect(reasons(select([root, logs], { exclude: [{ device: "xvda" }] })).left).toEqual({
      "vol-root": "excluded by device xvda",
    });
  });

  test("never include one whose own tag says no, not even the root or one that is named", () => {
    const no = (one: Volume) => ({ ...one, tags: { ...one.tags, Backup: "no" } });
    const wish = { include: [{ id: "vol-logs" }, { id: "vol-data" }] };
    expect(reasons(select([no(root), no(logs), data], wish))).toEqual({
      chosen: { "vol-data": "included by id vol-data" },
      left: { "vol-root": "its tag Backup=no", "vol-logs": "its tag Backup=no" },
    });
  });

  const others: [string, Partial<Volume>, string][] = [
    [
      "a CSI driver names",
      { tags: { CSIVolumeName: "pvc-1" } },
      "managed by a CSI driver, says its tag CSIVolumeName",
    ],
    [
      "Kubernetes made",
      { tags: { "kubernetes.io/created-for/pvc/name": "db" } },
      "managed by a CSI driver, says its tag kubernetes.io/created-for/pvc/name",
    ],
    [
      "the EBS CSI driver owns",
      { tags: { "ebs.csi.aws.com/cluster": "true" } },
      "managed by a CSI driver, says its tag ebs.csi.aws.com/cluster",
    ],
    ["another operator manages", { operator: "lambda.amazonaws.com" }, "managed by lambda.amazonaws.com"],
    ["several instances share", { multiAttach: true }, "Multi-Attach: shared with other instances"],
  ];
  test.each(others)("leave out one that %s, unless it is named", (_, wish, why) => {
    const other = volume({ id: "vol-other", ...wish });
    expect(reasons(select([root, other])).left).toEqual({
      "vol-other": `${why} (name it in include to take it)`,
    });
    expect(reasons(select([root, other], { include: [{ id: "vol-other" }] })).chosen).toEqual({
      "vol-root": "root",
      "vol-other": "included by id vol-other",
    });
  });

  test("leave out one that is being detached, even if it is named", () => {
    const going = { ...logs, attachment: "detaching" };
    expect(reasons(select([root, going], { include: [{ id: "vol-logs" }] })).left).toEqual({
      "vol-logs": "is being detached",
    });
  });

  test("are each either chosen or left, with a reason", () => {
    const some = fc.record({
      attachment: fc.constantFrom("attached", "attaching", "detaching", "busy"),
      multiAttach: fc.boolean(),
      tags: fc.constantFrom({}, { Backup: "no" }, { CSIVolumeName: "x" }, { Role: "data" }),
    });
    const wish = fc.record(
      {
        root: fc.boolean(),
        include: fc.constantFrom([], [{ tag: "Role" }], [{ device: "xvdb1" }]),
        exclude: fc.constantFrom([], [{ tag: "Role=data" }], [{ device: "/dev/xvda" }]),
      },
      { requiredKeys: ["root", "exclude"] },
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), wish, (kinds, selection) => {
        const all = volumes(kinds.length, (index) => kinds[index] ?? {});
        const { chosen, left } = selectVolumes(all, selection as VolumeSelection, byTag);
        expect([...chosen, ...left].map((one) => one.volume.id).sort()).toEqual(
          all.map((one) => one.id).sort(),
        );
        for (const one of [...chosen, ...left]) expect(one.because).not.toBe("");
      }),
      { numRuns: 500 },
    );
  });
});

describe("what EC2 is asked for", () => {
  const withData = (chosenCount: number, leftCount: number, takeRoot = true): Selected => {
    const all = volumes(1 + chosenCount + leftCount, (index) =>
      index > chosenCount ? { tags: { Backup: "no" } } : {},
    );
    return select(all, { root: takeRoot });
  };

  test("excludes the data volumes that are left out by id and the root by its own switch", () => {
    const selected = select([root, logs, data], { root: false, exclude: [{ id: "vol-logs" }] });
    expect(scope(selected)).toEqual({
      excludeRoot: true,
      excludeDataVolumeIds: ["vol-logs"],
      expected: [data],
      unwanted: [],
    });
  });

  test("never names the root volume among the excluded data volumes", () => {
    for (const left of [0, 3, 40, 41, 60]) {
      const { excludeRoot, excludeDataVolumeIds, expected } = scope(withData(2, left, false));
      expect(excludeRoot).toBe(true);
      expect(excludeDataVolumeIds).not.toContain("vol-00000000000000000");
      expect(expected.some((one) => one.root)).toBe(false);
    }
  });

  test("excludes as many as forty data volumes", () => {
    const { excludeDataVolumeIds, expected, unwanted } = scope(withData(2, 40));
    expect(excludeDataVolumeIds).toHaveLength(40);
    expect(expected).toHaveLength(3);
    expect(unwanted).toEqual([]);
  });

  test("takes all volumes where forty-one were to be excluded, and says which were not wanted", () => {
    const selected = withData(2, 41);
    const { excludeDataVolumeIds, expected, unwanted } = scope(selected);
    expect(excludeDataVolumeIds).toEqual([]);
    expect(expected).toHaveLength(44);
    expect(unwanted).toEqual(selected.left.map((one) => one.volume));
  });

  test("is at most 128 volumes, those included that could not be excluded", () => {
    expect(scope(withData(127, 0)).expected).toHaveLength(128);
    expect(scopeOf(withData(128, 0))).toEqual({
      found: "129 volumes in one set, EC2 takes at most 128",
      remedy: "split the volumes between jobs with volumes.include or leave some out",
    });
    expect(scopeOf(withData(80, 50))).toMatchObject({
      found: "131 volumes in one set, EC2 takes at most 128",
    });
    expect(scope(withData(127, 40)).expected).toHaveLength(128);
  });

  test("does not exist where no volume is chosen, and the message says where the reasons are", () => {
    for (const selected of [select([]), select([root], { root: false })]) {
      expect(scopeOf(selected)).toEqual({
        found: "no volume is chosen",
        remedy: "see the reasons beside each volume in `ec2-backup plan`",
      });
    }
  });

  test("does not name a volume that is being detached, which may be gone when the request arrives", () => {
    const selected = select([root, { ...logs, attachment: "detaching" }]);
    expect(scope(selected)).toEqual({
      excludeRoot: false,
      excludeDataVolumeIds: [],
      expected: [root],
      unwanted: [],
    });
  });
});
