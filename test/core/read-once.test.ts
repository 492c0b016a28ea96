import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeManifest } from "../../src/core/manifest.ts";
import { pointsOf, tagKeys } from "../../src/core/point-tags.ts";
import { readingOnce } from "../../src/core/read-once.ts";
import { parsePolicy } from "../../src/core/retention-policy.ts";
import { at, snapshot } from "./points.ts";

const asOf = at("2027-03-20T12:00");
const policies = fc.oneof(
  fc.constantFrom("daily=7 zone=UTC demanded=crash delay=7d", "within=nonsense", "", "constructor"),
  fc.string(),
);
const volume = fc.tuple(
  fc.constantFrom("vol-1", "vol-2", "vol-3"),
  fc.constantFrom("", " dev=/dev/sda1 role=root gib=8", " mnt=/srv sub=/a mnt=/", "  gib=x"),
);
const manifests = fc.array(
  volume.map(([id, words]) => `${id}${words}`),
  { maxLength: 4 },
);

describe("reading once", () => {
  it("reads whatever is there as it is read each time, in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(policies, manifests)), (all) => {
        const read = readingOnce();
        for (const [policy, manifest] of [...all, ...all]) {
          expect(read.policy(policy)).toEqual(parsePolicy(policy));
          expect(read.recipe(manifest)).toEqual(decodeManifest(manifest));
        }
      }),
    );
  });

  it("keeps one object for what is the same, and forgets before it grows without end", () => {
    const read = readingOnce();
    const one = (id: string, size: number) => {
      const tags = {
        [tagKeys.point]: id,
        [tagKeys.retention]: "daily=7 zone=UTC demanded=crash delay=7d",
        [`${tagKeys.manifest}1`]: `vol-1 gib=${size}`,
      };
      return pointsOf([snapshot({ id: `snap-${id}`, tags })], asOf, read)[0];
    };
    const first = one("a", 1);
    expect(one("b", 1)?.policy).toBe(first?.policy);
    expect(one("b", 1)?.recipe).toBe(first?.recipe);
    for (let size = 2; size < 1_000; size += 1) one("c", size);
    expect(one("d", 1)?.recipe).not.toBe(first?.recipe);
    expect(one("d", 1)?.recipe).toEqual(first?.recipe);
  });
});
