import { describe, expect, it } from "vitest";
import { claim } from "../../src/actions/sweep-claims.ts";
import { BackupError } from "../../src/core/errors.ts";
import type { Tags } from "../../src/core/instance.ts";
import { claimKey, claimOf } from "../../src/core/sweep-claims.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";

const asOf = new Date("2027-03-04T16:30:00Z");
const [run, shownAfter] = ["01a5662e-4520-7c54-b254-564907f0814b", 60_000];
const { signal } = new AbortController();
const own = { [claimKey]: claimOf(run, asOf) };
const others = { [claimKey]: claimOf("01a5662e-4520-7bd9-8080-3831c22710b0", asOf) };

/** Claims two instances, where writing takes so long, or EC2 refuses. */
async function claimed(
  took: number,
  refused: (ids: readonly string[]) => BackupError | undefined = () => undefined,
) {
  let [elapsed, waits] = [1_000, 0];
  const instances = ["i-1", "i-2"].map((id) => ({ instance: { id, tags: {} } as unknown as SweepInstance }));
  const claims = {
    shownAfter,
    write: async (ids: readonly string[]) => {
      elapsed += took;
      const error = refused(ids);
      if (error !== undefined) throw error;
    },
    clear: async () => undefined,
  };
  const clock = {
    now: () => asOf,
    elapsed: () => elapsed,
    sleep: async (ms: number) => {
      elapsed += ms;
      waits += 1;
    },
    random: () => 0,
  };
  const { holds } = await claim(instances, { claims, run, clock }, { asOf, elapsed }, signal);
  return { holds, waits: () => waits };
}

function refusal(kind: "denied" | "refused"): BackupError {
  return new BackupError({ kind, doing: "write", found: "no", remedy: "none", code: "No" });
}

describe("whose an instance is right before its capture", () => {
  it.each<[string, Tags, number, string]>([
    ["its own claim, soon written", own, 29_999, "held"],
    ["its own, so late that another sweep may have come and gone", own, 30_001, "doubtful"],
    ["another's", others, 0, "lost"],
    ["none any more", {}, 0, "doubtful"],
  ])("%s", async (_, tags, took, hold) => {
    const { holds } = await claimed(took);
    expect(await holds("i-1", tags)).toBe(hold);
  });

  it("waits once until the point of a sweep that has ended can be seen", async () => {
    const { holds, waits } = await claimed(0);
    expect([await holds("i-1", {}), await holds("i-2", {}), waits()]).toEqual(["doubtful", "doubtful", 2]);
  });

  it.each(["denied", "refused"] as const)("is in doubt where no claim can be written (%s)", async (kind) => {
    const { holds } = await claimed(0, (ids) => (ids.includes("i-1") ? refusal(kind) : undefined));
    expect(await holds("i-1", {})).toBe("doubtful");
    expect(await holds("i-2", own)).toBe(kind === "denied" ? "doubtful" : "held");
  });
});
