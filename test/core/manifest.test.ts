import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeManifest, encodeManifest, maxTagValue, recipeOf } from "../../src/core/manifest.ts";
import type { VolumeRecipe } from "../../src/core/recovery-point.ts";
import { volume, volumes } from "./points.ts";

const amount = fc.nat(1_000_000);
const hex = fc.stringMatching(/^[0-9a-f]{8,17}$/);
const device = fc.oneof(
  fc.stringMatching(/^\/dev\/(sd|xvd)[a-z]{1,2}[0-9]{0,2}$/),
  fc.stringMatching(/^[\w+\-=.:/@]{1,40}$/),
);
const someRecipe: fc.Arbitrary<VolumeRecipe> = fc.record(
  {
    volumeId: hex.map((text) => `vol-${text}`),
    device,
    root: fc.constant(true),
    type: fc.constantFrom("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"),
    sizeGiB: amount,
    iops: amount,
    throughput: amount,
    deleteOnTermination: fc.boolean(),
    mounts: fc.array(
      fc.record(
        { path: fc.stringMatching(/^\/[\w.@=+-]{0,20}$/), root: fc.stringMatching(/^\/[\w.@=+-]{1,5}$/) },
        { requiredKeys: ["path"] },
      ),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: ["volumeId"] },
);

describe("the recipe of a set", () => {
  test("survives being written into tags and read back", () => {
    fc.assert(
      fc.property(fc.array(someRecipe, { maxLength: 130 }), (recipe) => {
        expect(decodeManifest(encodeManifest(recipe, "mounts"))).toEqual(recipe);
        const without = recipe.map(({ mounts: _, ...rest }) => rest);
        expect(decodeManifest(encodeManifest(recipe, "full"))).toEqual(without);
      }),
      { numRuns: 200 },
    );
  });

  test("is reduced to the ids of its volumes where there is room for no more", () => {
    fc.assert(
      fc.property(fc.array(someRecipe, { maxLength: 130 }), (recipe) => {
        const ids = recipe.map(({ volumeId }) => ({ volumeId }));
        expect(decodeManifest(encodeManifest(recipe, "ids"))).toEqual(ids);
      }),
      { numRuns: 200 },
    );
  });

  test("takes values of at most 256 of the allowed characters, whatever EC2 says of the volumes", () => {
    const odd = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 100 }));
    const long = fc.constantFrom("x".repeat(100), "x".repeat(300), "/dev/sdf with a space", "");
    const recipe = fc.record({
      volumeId: hex.map((text) => `vol-${text}`),
      device: fc.oneof(odd, long),
      type: fc.oneof(odd, long),
      sizeGiB: amount,
      iops: amount,
      throughput: amount,
    });
    fc.assert(
      fc.property(fc.array(recipe, { maxLength: 20 }), (list) => {
        const values = encodeManifest(list, "full");
        for (const value of values) {
          expect(value.length).toBeLessThanOrEqual(maxTagValue);
          expect(value).toMatch(/^[\p{L}\p{N} +\-=._:/@]+$/u);
        }
        expect(decodeManifest(values).map((one) => one.volumeId)).toEqual(list.map((one) => one.volumeId));
      }),
      { numRuns: 500 },
    );
  });

  test("looks like this", () => {
    const root = volume({ id: "vol-0a", device: "/dev/xvda", root: true, deleteOnTermination: true });
    const data = { ...volume({ id: "vol-0b", type: "st1", sizeGiB: 500 }) };
    const { iops: _, throughput: __, ...plain } = data;
    expect(
      encodeManifest(
        [root, plain].map((one) => recipeOf(one)),
        "full",
      ),
    ).toEqual([
      "vol-0a dev=/dev/xvda role=root type=gp3 gib=100 iops=3000 mibps=125 dot=1 vol-0b dev=/dev/sdf type=st1 gib=500 dot=0",
    ]);
  });

  test("leaves out a word that a tag cannot hold and keeps the others", () => {
    const [value] = encodeManifest([{ volumeId: "vol-0a", device: "/dev/sd?", type: "gp3" }], "full");
    expect(value).toBe("vol-0a type=gp3");
  });

  test.each([
    [1, 1],
    [4, 2],
    [40, 16],
    [128, 50],
  ])("of %i volumes takes at most %i tags", (count, most) => {
    const values = encodeManifest(
      volumes(count).map((one) => recipeOf(one)),
      "full",
    );
    expect(values.length).toBeLessThanOrEqual(most);
  });

  test("of no volumes takes no tag", () => {
    expect(encodeManifest([], "full")).toEqual([]);
    expect(decodeManifest([])).toEqual([]);
  });
});

describe("a recipe that was read", () => {
  test("passes over words of later versions and those it cannot read", () => {
    expect(
      decodeManifest([
        "gib=8 stray vol-0a fs=ext4 gib=ten iops=1e3 dev=/dev/sdf role=lvm",
        " vol-0B  vol-0c dot=2",
      ]),
    ).toEqual([
      { volumeId: "vol-0a", device: "/dev/sdf" },
      { volumeId: "vol-0c", deleteOnTermination: false },
    ]);
  });

  test("never throws, whatever the tags hold", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom("vol-0a", "gib=8", "dev=", "__proto__=1", "dot=1"));
    const values = fc.array(
      fc.array(word, { maxLength: 5 }).map((words) => words.join(" ")),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(values, (list) => {
        for (const one of decodeManifest(list)) expect(one.volumeId).toMatch(/^vol-[0-9a-f]+$/);
      }),
      { numRuns: 1_000 },
    );
  });
});
