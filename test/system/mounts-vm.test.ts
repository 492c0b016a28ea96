import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MappedMount } from "../../src/core/mount-map.ts";
import { has, isLinux, isRoot } from "../host/places.ts";
import { type Boot, boot } from "./vm/boot.ts";
import { disks, rootVolume, type Told, volumeOf } from "./vm/disks.ts";

const tools = ["qemu-system-x86_64", "mmdebstrap", "mke2fs", "setpriv"];
const missing = tools.filter((tool) => !has(tool));

/** Why no machine can be booted here; absent where it can. The soak leaves nothing out in CI. */
const hindrance = ((): string | undefined => {
  if (process.env["SOAK"] === undefined)
    return "runs with SOAK=1 only: it boots a machine, in one to four minutes";
  if (!isLinux || !isRoot || process.arch !== "x64") return "needs root on Linux on x64";
  return missing.length > 0 ? `needs ${missing.join(", ")}` : undefined;
})();
const soakInCi = process.env["SOAK"] !== undefined && process.env["CI"] === "true";
if (hindrance !== undefined && soakInCi) throw new Error(`${hindrance}, and in CI nothing is left out`);
if (hindrance !== undefined) console.log(`mounts of a virtual machine: skipped, ${hindrance}`);

type Of<Kind extends Told["kind"]> = Extract<Told, { kind: Kind }>;

/** What a mount is to rest on, by the use of the disks. */
const stacks: Readonly<Record<string, readonly string[]>> = {
  plain: ["plain"],
  bound: ["plain"],
  loop: ["plain"],
  parted: ["parted"],
  "lvm/inner": ["parted"],
  lvm: ["lvm-a", "lvm-b"],
  md: ["md-a", "md-b"],
  crypt: ["crypt"],
  btrfs: ["btrfs-a", "btrfs-b"],
};

describe.skipIf(hindrance !== undefined)("on a machine with NVMe disks", () => {
  let booted: Boot = { told: [], console: "", seconds: 0 };
  let home = "";

  // One boot serves all tests.
  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), "ec2-backup-vm-"));
    booted = await boot(home, 420_000);
    console.log(`mounts of a virtual machine: up and down in ${booted.seconds.toFixed(0)} s`);
  }, 1_080_000);

  afterAll(async () => {
    if (home !== "") await rm(home, { recursive: true, force: true });
  });

  function told<Kind extends Told["kind"]>(kind: Kind): Of<Kind>[] {
    return booted.told.filter((one): one is Of<Kind> => one.kind === kind);
  }

  function mapOf(when: "first" | "again"): Of<"map"> {
    const found = told("map").find((one) => one.when === when);
    return (
      found ??
      expect.fail(`the guest told of no ${when} map: ${JSON.stringify(told("failed"))} ${booted.console}`)
    );
  }

  function mountAt(place: string, when: "first" | "again"): MappedMount {
    const at = place === "/" ? place : `/mnt/${place}`;
    return (
      mapOf(when).map.mounts.find((one) => one.path === at) ?? expect.fail(`nothing is mounted at ${at}`)
    );
  }

  test("the guest came to its end", () => {
    expect(told("failed"), booted.console).toEqual([]);
    expect(told("ended"), booted.console).toEqual([{ kind: "ended", code: 0 }]);
  });

  describe.each(["first", "again"] as const)("as the kernel names the disks, %s", (when) => {
    test.each(Object.entries(stacks))(
      "/mnt/%s is found to rest on the disks %j and no others",
      (place, uses) => {
        expect(mountAt(place, when)).toMatchObject({ volumes: uses.map(volumeOf).sort(), unknown: [] });
      },
    );

    test("the root is found by the serial number of its disk, of another make", () => {
      expect(mountAt("/", when)).toMatchObject({ stack: ["vda"], volumes: [rootVolume], unknown: [] });
    });

    test("a disk that EC2 does not know of is no volume", () => {
      const { names } = mapOf(when);
      expect(mountAt("stranger", when)).toMatchObject({
        volumes: [],
        unknown: [
          {
            disk: names["stranger"],
            because: `is ${volumeOf("stranger")}, which EC2 does not show among this instance's volumes`,
          },
        ],
      });
    });

    test("the stacks are told in words, with the names of now", () => {
      const { names } = mapOf(when);
      const first = (place: string): string | undefined => mountAt(place, when).stack[0];
      expect(mountAt("parted", when).stack).toEqual([`${names["parted"]}p1`]);
      expect(mountAt("lvm", when).stack.toSorted()).toEqual(
        ["lvm vg0-data", names["lvm-a"], names["lvm-b"]].toSorted(),
      );
      expect(first("md")).toMatch(/^md\d+ raid0$/);
      expect(first("crypt")).toBe("crypt safe");
      expect(first("loop")).toMatch(/^loop\d+ \/mnt\/plain\/image$/);
      expect(mountAt("loop", when).loopOn).toEqual([mountAt("plain", when).superblock]);
      expect(mountAt("bound", when).superblock).toBe(mountAt("plain", when).superblock);
    });
  });

  test("the names were another order's the second time", () => {
    const [first, again] = [mapOf("first").names, mapOf("again").names];
    const moved = disks.filter(({ use }) => first[use] !== again[use]);
    expect(moved.length).toBeGreaterThanOrEqual(disks.length - 1);
  });

  test("what is frozen is planned from the leaves to what they are stored on, without the root", () => {
    const [plan = expect.fail("no plan")] = told("plan");
    expect(plan.waves.map((wave) => wave.toSorted())).toEqual([
      ["/mnt/btrfs", "/mnt/crypt", "/mnt/loop", "/mnt/lvm/inner", "/mnt/md", "/mnt/parted"],
      ["/mnt/bound", "/mnt/lvm"],
    ]);
    expect(plan.refused.map(({ path }) => path).toSorted()).toEqual(["/", "/mnt/stranger"]);
  });

  test.each(["/mnt/lvm", "/mnt/md"])(
    "%s is frozen: a writer waits, a reader does not, until the thaw",
    (at) => {
      expect(told("frozen").find((one) => one.path === at)).toEqual({
        kind: "frozen",
        path: at,
        freeze: 0,
        again: `fsfreeze: ${at}: freeze failed: Device or resource busy`,
        state: "D",
        blocked: true,
        read: "before",
        thaw: 0,
        written: true,
      });
    },
  );

  test("everything can be frozen at once in the order of the plan, and thawed in reverse", () => {
    const all = Array.from({ length: 8 }, () => 0);
    expect(told("all")).toEqual([{ kind: "all", codes: all, thaws: all }]);
  });
});
