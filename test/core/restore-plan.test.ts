import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Volume } from "../../src/core/instance.ts";
import { decodeManifest, encodeManifest } from "../../src/core/manifest.ts";
import type { RecoveryPoint, VolumeRecipe } from "../../src/core/recovery-point.ts";
import { freeNames, placeOf, planDevices } from "../../src/core/restore-devices.ts";
import { askedShape, unlikeAsked } from "../../src/core/restore-found.ts";
import {
  planRestore,
  type RestoreGround,
  type RestoreWish,
  restoreTags,
  tokenOf,
} from "../../src/core/restore-plan.ts";
import type { VolumeState } from "../../src/core/restore-ports.ts";
import { instance } from "../system/history.ts";
import { at, point, snapshot } from "./points.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const idOf = (index: number) => `vol-0${index.toString(16).padStart(16, "0")}`;

const types = ["gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"] as const;
const names = ["/dev/xvda", "/dev/sda1", ...freeNames.slice(0, 14), "/dev/xvdf", "/dev/xvdba", "sdg"];

const someRecipe: fc.Arbitrary<Omit<VolumeRecipe, "volumeId">> = fc.record(
  {
    device: fc.constantFrom(...names),
    type: fc.constantFrom(...types),
    sizeGiB: fc.integer({ min: 1, max: 2000 }),
    iops: fc.integer({ min: 100, max: 16_000 }),
    throughput: fc.integer({ min: 125, max: 1000 }),
    deleteOnTermination: fc.boolean(),
  },
  { requiredKeys: ["sizeGiB", "iops"] },
);

/** A point as it comes out of its tags; the first volume is the root. */
const somePoint: fc.Arbitrary<RecoveryPoint> = fc
  .tuple(
    fc.array(someRecipe, { minLength: 2, maxLength: 9 }),
    fc.dictionary(fc.string({ maxLength: 9 }), fc.string(), { maxKeys: 50 }),
  )
  .map(([recipes, tags]) => {
    const recipe = recipes.map((one, index) => ({ volumeId: idOf(index), root: index === 0, ...one }));
    const read = decodeManifest(encodeManifest(recipe as VolumeRecipe[], "full"));
    return {
      ...point(at("2026-11-01T02:00"), { id: "0193a1b2-c3d4-7000-8000-000000000001" }),
      recipe: read,
      snapshots: recipe.map(({ volumeId, sizeGiB = 1 }, index) =>
        snapshot({ id: `snap-0${index}`, volumeId, volumeSizeGiB: sizeGiB, tags }),
      ),
    };
  });

const attachedAs = (device: string, index: number): Volume => ({
  id: idOf(index + 100),
  device,
  root: false,
  sizeGiB: 1,
  type: "gp3",
  encrypted: false,
  multiAttach: false,
  deleteOnTermination: false,
  attachment: "attached",
  tags: {},
});

const groundOf = (from: RecoveryPoint, attached: readonly Volume[] = []): RestoreGround => ({
  instance,
  attached,
  taken: [],
  snapshots: from.snapshots,
  facts: { region: instance.region, account: instance.account, now: at("2026-11-21T12:00"), keys: new Map() },
  digest,
});

const all: RestoreWish = { volumes: [] };

describe("a planned restore", () => {
  const situation = fc.tuple(somePoint, fc.subarray(names));

  it("makes of each data volume one as it was, and never a gp2 that nobody had", () => {
    fc.assert(
      fc.property(situation, ([from, taken]) => {
        const plan = planRestore(from, all, groundOf(from, taken.map(attachedAs)));
        expect(plan.volumes.map(({ volume }) => volume)).toEqual(
          from.recipe.slice(1).map(({ volumeId }) => volumeId),
        );
        for (const { volume, request } of plan.volumes) {
          const recipe = from.recipe.find(({ volumeId }) => volumeId === volume);
          expect(request.type).toBe(recipe?.type ?? "gp3");
          expect(request.sizeGiB).toBe(recipe?.sizeGiB);
          expect(request.iops).toBe(/^(gp3|io[12])$/.test(recipe?.type ?? "") ? recipe?.iops : undefined);
          expect(request.throughput).toBe(recipe?.type === "gp3" ? recipe.throughput : undefined);
          expect(request.zone).toBe(instance.zone);
        }
      }),
    );
  });

  it("attaches each at a place that nobody has, the recorded one where it is free", () => {
    fc.assert(
      fc.property(situation, ([from, taken]) => {
        const plan = planRestore(from, all, groundOf(from, taken.map(attachedAs)));
        const places = plan.volumes.map(({ device }) => placeOf(device));
        expect(new Set(places).size).toBe(places.length);
        const full = new Set(taken.map(placeOf));
        for (const { volume, device } of plan.volumes) {
          expect(device).toMatch(/^(\/dev\/)?(sd|xvd)[b-z][a-z]?$/);
          expect(full).not.toContain(placeOf(device));
          const was = from.recipe.find(({ volumeId }) => volumeId === volume)?.device;
          const rivals = from.recipe
            .slice(1)
            .filter((one) => one.device && placeOf(one.device) === placeOf(was ?? ""));
          const free = was !== undefined && placeOf(was) !== "a" && !full.has(placeOf(was));
          if (free && rivals.length === 1) expect(device).toBe(was);
        }
      }),
    );
  });

  it("tags each with where it comes from, with what its volume had, and never with more than EC2 takes", () => {
    fc.assert(
      fc.property(situation, ([from]) => {
        const plan = planRestore(from, all, groundOf(from));
        for (const { request, notes, volume } of plan.volumes) {
          const { tags } = request;
          expect(tags).toMatchObject({
            [restoreTags.restore]: plan.id,
            [restoreTags.from]: request.snapshot,
            [restoreTags.volume]: volume,
            [restoreTags.point]: from.id,
            [restoreTags.instance]: instance.arn,
          });
          // The mark of the end is still to come.
          expect(Object.keys(tags).length).toBeLessThan(50);
          const own = from.snapshots[0]?.tags ?? {};
          const told = notes.join(" ");
          for (const [key, value] of Object.entries(own))
            if (!/^(aws:|ec2-backup:|KeepForever$|DeleteOn$|Type$)/.test(key))
              expect(tags[key] === value || told.includes(key)).toBe(true);
        }
      }),
    );
  });

  it("is the same when it is planned again, also with its own volumes attached by then", () => {
    fc.assert(
      fc.property(situation, ([from, taken]) => {
        const before = planRestore(from, all, groundOf(from, taken.map(attachedAs)));
        const own = before.volumes.map(({ device, request }, index) => ({
          ...attachedAs(device, index + 50),
          tags: request.tags,
        }));
        const after = planRestore(from, all, groundOf(from, [...taken.map(attachedAs), ...own]));
        expect(after.id).toBe(before.id);
        expect(after.volumes.map(({ device }) => device)).toEqual(before.volumes.map(({ device }) => device));
        expect(after.volumes.map(({ request }) => request)).toEqual(
          before.volumes.map(({ request }) => request),
        );
      }),
    );
  });

  const [made] = fc.sample(somePoint, { numRuns: 1, seed: 7 });
  if (made === undefined) throw new Error("no point");
  const plan = (wish: RestoreWish, from = made) => planRestore(from, wish, groundOf(from));

  it("has tokens that tell volumes, attempts, restores and labels apart, and fit", () => {
    const tokens = [plan(all), plan({ ...all, label: "again" })].flatMap((one) =>
      one.volumes.flatMap((volume) => [1, 2].map((attempt) => tokenOf(one, volume, attempt, digest))),
    );
    expect(new Set(tokens).size).toBe(tokens.length);
    for (const token of tokens) expect(token).toMatch(/^[\x20-\x7e]{16,64}$/);
    expect(plan(all).id).toMatch(/^restore-[0-9a-f]{16}$/);
  });

  it("is of its own for the volumes that are named, so that undoing one takes no other", () => {
    const named = (...volumes: string[]) => plan({ volumes }).id;
    expect(new Set([plan(all).id, named(idOf(1)), named(idOf(2)), named(idOf(1), idOf(2))]).size).toBe(4);
    expect(named(idOf(2), idOf(1))).toBe(named(idOf(1), idOf(2)));
  });

  it("takes volumes by their ids and by the devices that they had, and the root only by name", () => {
    const from = {
      ...made,
      snapshots: made.snapshots.slice(0, 2),
      recipe: [
        { volumeId: idOf(0), device: "/dev/xvda", root: true },
        { volumeId: idOf(1), device: "/dev/sdf" },
      ],
    };
    const chosen = (...volumes: string[]) => plan({ volumes }, from).volumes.map(({ volume }) => volume);
    expect(chosen(idOf(1))).toEqual([idOf(1)]);
    expect(chosen("/dev/xvdf")).toEqual([idOf(1)]);
    expect(chosen("/dev/xvda", "snap-01")).toEqual([idOf(0), idOf(1)]);
    expect(plan({ volumes: [idOf(0)] }, from).notes.join()).toContain(
      "detach it before the instance is rebooted",
    );
    expect(plan(all, from).left).toEqual([
      { volume: idOf(0), because: expect.stringContaining("root volume") },
    ]);
    expect(() => chosen("vol-0f")).toThrow(`it has ${idOf(0)} (/dev/xvda), ${idOf(1)} (/dev/sdf)`);
    const alone = { ...from, snapshots: from.snapshots.slice(0, 1) };
    expect(() => plan(all, alone)).toThrow(
      `name it to have a copy of it: ec2-backup restore volumes ${idOf(0)}`,
    );
  });

  it.each<[string, Partial<RestoreWish>, Partial<VolumeRecipe>, object | RegExp]>([
    ["nothing recorded", {}, {}, { type: "gp3", sizeGiB: 8 }],
    ["gp2 recorded", {}, { type: "gp2", iops: 100 }, { type: "gp2" }],
    ["another type", { type: "gp3" }, { type: "io2", iops: 9000 }, { type: "gp3" }],
    ["io1 of io2", { type: "io1" }, { type: "io2", iops: 9000 }, { type: "io1", iops: 9000 }],
    [
      "other numbers",
      { iops: 5000, throughput: 300 },
      { type: "gp3", iops: 1 },
      { iops: 5000, throughput: 300 },
    ],
    ["larger", { sizeGiB: 9 }, { type: "gp3" }, { sizeGiB: 9 }],
    ["a key", { kmsKey: "alias/x", initializeRate: 200 }, {}, { kmsKey: "alias/x", initializeRate: 200 }],
    ["smaller", { sizeGiB: 7 }, {}, /is of 8 GiB, more than --size 7/],
    ["IOPS for st1", { iops: 5 }, { type: "st1" }, /type st1 takes no --iops/],
    ["throughput for io2", { throughput: 5 }, { type: "io2", iops: 5 }, /type io2 takes no --throughput/],
    ["io2 without IOPS", { type: "io2" }, { type: "gp3" }, /needs a number of IOPS/],
  ])("%s", (_, wish, recipe, expected) => {
    const from = {
      ...made,
      recipe: [{ volumeId: idOf(1), ...recipe }],
      snapshots: [snapshot({ id: "snap-01", volumeId: idOf(1), volumeSizeGiB: 8 })],
    };
    const planned = () => plan({ ...all, ...wish }, from).volumes[0]?.request;
    if (expected instanceof RegExp) {
      expect(planned).toThrow(expected);
      return;
    }
    expect(planned()).toMatchObject(expected);
    const keys = ["iops", "throughput"].filter((key) => !Object.hasOwn(expected, key));
    for (const key of keys) if (_ !== "other numbers") expect(planned()).not.toHaveProperty(key);
  });

  it("says so where no device name is left, and asks for one volume where a device is named", () => {
    const full = freeNames.map(attachedAs);
    const blocked = planRestore(made, { volumes: [idOf(1)] }, groundOf(made, full)).obstacles;
    expect(blocked).toMatchObject([{ severity: "blocks", found: "this instance has no device name left" }]);
    expect(() => plan({ ...all, device: "/dev/sdp" })).toThrow(/name one of them|restore to/);
    expect(plan({ volumes: [idOf(1)], device: "/dev/sdp" }).volumes[0]?.device).toBe("/dev/sdp");
  });
});

describe("device names", () => {
  it("are all different places and none is that of a root or of instance stores", () => {
    const places = freeNames.map(placeOf);
    expect(new Set(places).size).toBe(freeNames.length);
    expect(places.filter((place) => place === undefined || /^[a-e]$/.test(place))).toEqual([]);
  });

  it("go to who had them before they go to anyone else", () => {
    const planned = planDevices([undefined, "/dev/sdf"], ["/dev/sda1"]);
    expect(planned.map(({ device }) => device)).toEqual(["/dev/sdg", "/dev/sdf"]);
    expect(planDevices(["/dev/sdf"], ["xvdf"])[0]).toEqual({
      device: "/dev/sdg",
      because: "a free name, since /dev/sdf is taken",
    });
  });
});

describe("a volume that is there already", () => {
  const arn = "arn:aws:kms:eu-central-1:111122223333:key/0a1b";
  const there = {
    ...{ id: "vol-1", state: "available", zone: "a", type: "gp3", sizeGiB: 8, iops: 3_000, throughput: 125 },
    ...{ encrypted: true, kmsKey: arn, tags: {}, attachments: [] },
  } as const;
  const unlike = (wish: RestoreWish, change: object = {}) =>
    unlikeAsked(askedShape(wish), { ...there, ...change } as VolumeState)?.found.replace(/^.*, has /, "");

  it("is used if the command says nothing else of it, whatever the point recorded", () => {
    expect(unlike({ volumes: [] }, { type: "io2", sizeGiB: 500 })).toBeUndefined();
    const same = { type: "gp3", sizeGiB: 8, iops: 3_000, throughput: 125, kmsKey: arn };
    expect(unlike({ volumes: [], ...same })).toBeUndefined();
    expect(unlike({ volumes: [], kmsKey: "0a1b" })).toBeUndefined();
    expect(unlike({ volumes: [], kmsKey: "alias/backup" }), "nobody can tell").toBeUndefined();
    expect(unlike({ volumes: [], iops: 9 }, { iops: undefined }), "EC2 says nothing").toBeUndefined();
  });

  it("is refused if the command says otherwise, all at once", () => {
    expect(unlike({ volumes: [], type: "io2", sizeGiB: 5, iops: 4_000, throughput: 200 })).toBe(
      "gp3 and not io2, 8 GiB and not 5 GiB, 3000 IOPS and not 4000 IOPS, 125 MiB/s and not 200 MiB/s",
    );
    expect(unlike({ volumes: [], kmsKey: "0a1c" })).toBe(`the key ${arn} and not 0a1c`);
    const plain = { encrypted: false, kmsKey: undefined };
    expect(unlike({ volumes: [], kmsKey: "alias/backup" }, plain)).toContain("no encryption");
  });
});
