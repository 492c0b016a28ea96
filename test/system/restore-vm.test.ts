import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isLinux, isRoot } from "../host/places.ts";
import { type Boot, boot } from "./vm/boot.ts";
import type { RestoreTold } from "./vm/restore-guest.ts";

const missing = ["qemu-system-x86_64", "mmdebstrap", "mke2fs", "setpriv"].filter((tool) => !has(tool));

/** Why no machine can be booted here; absent where it can. The soak leaves nothing out in CI. */
const hindrance = ((): string | undefined => {
  if (process.env["SOAK"] === undefined)
    return "runs with SOAK=1 only: it boots a machine with LVM and md, for some minutes";
  if (!isLinux || !isRoot || process.arch !== "x64") return "needs root on Linux on x64";
  return missing.length > 0 ? `needs ${missing.join(", ")}` : undefined;
})();
const soakInCi = process.env["SOAK"] !== undefined && process.env["CI"] === "true";
if (hindrance !== undefined && soakInCi) throw new Error(`${hindrance}, and in CI nothing is left out`);
if (hindrance !== undefined) console.log(`clones of LVM and md: skipped, ${hindrance}`);

describe.skipIf(hindrance !== undefined)(
  "clones of disks with LVM and md beside their originals in use",
  () => {
    let booted: Boot = { told: [], console: "", seconds: 0 };
    let home = "";

    beforeAll(async () => {
      home = await mkdtemp(path.join(tmpdir(), "ec2-backup-vm-"));
      booted = await boot(home, 1_800_000, undefined, "restore-guest.ts");
    }, 2_600_000);

    afterAll(async () => {
      if (home !== "") await rm(home, { recursive: true, force: true });
    });

    function factsOf(stack: string): Readonly<Record<string, unknown>> {
      const all = booted.told as readonly (RestoreTold | { readonly kind: string })[];
      const found = all.find((one): one is RestoreTold => "stack" in one && one.stack === stack);
      return (
        found?.facts ??
        expect.fail(`the guest told nothing of ${stack}: ${JSON.stringify(all)} ${booted.console}`)
      );
    }

    test("the guest came to its end", () => {
      const ends = booted.told.filter(({ kind }) => kind === "failed" || kind === "ended");
      expect(ends, booted.console).toEqual([{ kind: "ended", code: 0 }]);
    });

    test("a volume group that is here twice is refused with the command, and one that is not whole too", () => {
      expect(factsOf("lvm twice")["found"]).toMatchObject([
        {
          type: "LVM2_member",
          obstacle: { remedy: expect.stringMatching(/^vgimportclone -n vg0_restored /) },
        },
        { type: "LVM2_member", obstacle: { found: expect.stringContaining("vg0 is here twice") } },
      ]);
      expect(factsOf("lvm half")["found"]).toMatchObject([
        { obstacle: { found: "the volume group vg0 lacks 1 of its disks" } },
      ]);
    });

    test("with a name of its own it is mounted, not written to, and taken away; the original stays", () => {
      const facts = factsOf("lvm separated");
      expect([[], ["the clone of the volume group vg0 is called vg0_restored"]]).toContainEqual(
        facts["notes"],
      );
      expect(facts["killed"]).toContain(true);
      expect(facts).toMatchObject({
        repeated: [],
        found: [{ path: "/dev/mapper/vg0_restored-data", type: "xfs", disks: facts["devices"] }],
        data: "one",
        written: 2,
        left: [],
        unwritten: true,
        original: expect.stringMatching(/^two\n\s*data\s+active$/),
      });
      expect(facts["again"]).toContain("vg0-data lvm");
      expect(facts["again"]).not.toContain("vg0_restored");
      expect(factsOf("lvm writable")).toMatchObject({ data: "three", left: [] });
    });

    test.each(["lvm", "md"])("a tree on %s comes back as it was, by its mount and by its files", (stack) => {
      const facts = factsOf(`${stack} trees`);
      expect(facts).toMatchObject({ byMount: [true], notMounted: [], byFile: true, left: [], readOnly: [] });
      expect(facts["copied"]).toMatchObject({ continued: false, kept: [] });
    });

    test("a volume group that is here once is mounted as it is, and nothing is written to its disks", () => {
      expect(factsOf("lvm alone")).toMatchObject({
        found: [{ path: "/dev/mapper/alone--vg-data", type: "ext4" }],
        data: "one",
        unwritten: true,
        left: [],
      });
    });

    test("an array is put together of the clones alone, not written to, and stopped; the original stays", () => {
      expect(factsOf("md half")["found"]).toMatchObject([
        { obstacle: { found: expect.stringMatching(/has 2 members, of which 1 are here$/) } },
      ]);
      const facts = factsOf("md");
      expect(facts).toMatchObject({
        found: [{ type: "ext4", disks: facts["devices"] }],
        data: "one",
        written: 2,
        unwritten: true,
        left: [],
        original: expect.stringMatching(/^two\n/),
      });
      expect(String(facts["original"]).match(/^md\d+ :/gm)).toHaveLength(1);
    });
  },
);
