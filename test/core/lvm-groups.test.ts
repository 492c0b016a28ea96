import { expect, test } from "vitest";
import { byGroup, freeName, groupsIn } from "../../src/core/lvm-groups.ts";

// In the words of pvs (LVM 2.03.16); the first test is what it prints once vgimportclone was killed between writes.
const volume = (path: string, uuid: string, group: string, groupUuid: string, missing: string): object => ({
  pv_name: path,
  pv_uuid: uuid,
  vg_name: group,
  vg_uuid: groupUuid,
  vg_missing_pv_count: missing,
});
const json = (...pv: readonly object[]): string => JSON.stringify({ report: [{ pv }] });

test("a disk whose group nothing describes is torn, and one that is not here is none", () => {
  const { groups, torn } = byGroup(
    groupsIn(
      json(
        volume("/dev/loop0", "oykjY2", "[unknown]", "", "0"),
        volume("/dev/loop1", "qLTRp6", "vg0", "rUWxaU", "1"),
        volume("[unknown]", "9y9APE", "vg0", "rUWxaU", "1"),
      ),
    ),
  );
  expect(torn).toEqual(["/dev/loop0"]);
  expect([...groups].map(([name, of]) => [name, of.map((one) => one.path)])).toEqual([
    ["vg0", ["/dev/loop1"]],
  ]);
});

test("disks are put together by group, and those of none are left out", () => {
  const { groups, torn } = byGroup(
    groupsIn(
      json(
        volume("/dev/sdb", "a", "vg0", "g", "0"),
        volume("/dev/sdc", "b", "other", "h", "0"),
        volume("/dev/sdd", "c", "vg0", "g", "0"),
        volume("/dev/sde", "d", "", "", "0"),
      ),
    ),
  );
  expect(torn).toEqual([]);
  expect([...groups].map(([name, of]) => [name, of.map((one) => one.path)])).toEqual([
    ["vg0", ["/dev/sdb", "/dev/sdd"]],
    ["other", ["/dev/sdc"]],
  ]);
});

test("a name for a clone is one that no group has", () => {
  expect(freeName("vg0", new Set(["vg0"]))).toBe("vg0_restored");
  expect(freeName("vg0", new Set(["vg0", "vg0_restored"]))).toBe("vg0_restored2");
});
