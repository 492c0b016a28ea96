import fc from "fast-check";
import { expect, test } from "vitest";
import { measureChanges } from "../../src/actions/measure-changes.ts";
import { unitCost } from "../../src/core/audit-cost.ts";
import type { BlockLists, CostChain, CostStep } from "../../src/core/audit-cost-ports.ts";
import { BackupError, type ErrorKind } from "../../src/core/errors.ts";

const gib = 1024 ** 3;
const prices = { asOf: "2027-01", standard: 0.05, archive: 0.0125 };
const never = new AbortController().signal;

/** A volume with so many snapshots, each of which takes so many pages of one GiB to list. */
function chain(volume: string, sizeGiB: number, pages: readonly number[]): CostChain {
  const steps = pages.map(
    (count, index): CostStep => ({
      from: `${volume}-${index}`,
      to: `${volume}-${index + 1}/${count}`,
      atMost: sizeGiB * gib,
      closed: false,
      counted: 0,
    }),
  );
  return { volume, sizeGiB, snapshots: pages.length, unknown: 0, steps, archive: 0, archiveExact: true };
}

/** Blocks by pages of a GiB; what it was asked, in order. */
function service(most: number, fault: (to: string) => ErrorKind | undefined = () => undefined) {
  const asked: string[] = [];
  const lists: BlockLists = {
    sent: () => asked.length,
    page: async ({ to, next }) => {
      if (asked.length >= most)
        throw new BackupError({ kind: "throttled", doing: "ask", found: "too often" });
      asked.push(to);
      const kind = fault(to);
      if (kind !== undefined) throw new BackupError({ kind, doing: "ask", found: kind });
      const page = Number(next ?? 1);
      return { bytes: gib, ...(page < Number(to.split("/")[1]) ? { next: String(page + 1) } : {}) };
    },
  };
  return { lists, asked };
}

test("all is measured where the requests are enough, and never more are sent; a bound is never told too small", async () => {
  const pages = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
  const volumes = fc.array(fc.tuple(fc.integer({ min: 4, max: 64 }), pages), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(volumes, fc.nat({ max: 60 }), async (all, requests) => {
      const chains = all.map(([size, its], index) => chain(`vol-${index}`, size, its));
      const needed = all.reduce((sum, [, its]) => sum + its.reduce((a, b) => a + b, 0), 0);
      const { lists, asked } = service(requests);
      const told = await measureChanges(chains, requests, lists, never);
      const cost = unitCost(chains, prices, told);
      expect(asked).toHaveLength(Math.min(needed, requests));
      expect(told).toEqual({ requests: asked.length });
      expect(cost.certainty).toBe(needed <= requests ? "measured" : "at most");
      expect(cost.gib).toBeGreaterThanOrEqual(needed);
      if (needed <= requests) expect(cost.gib).toBe(needed);
    }),
  );
});

test("the largest volume comes first, by its newest snapshots, with its share; what one leaves the others have", async () => {
  const chains = [chain("small", 8, [1, 1, 1, 1]), chain("large", 99, [1, 1, 1, 1]), chain("tiny", 4, [1])];
  const { lists, asked } = service(7);
  await measureChanges(chains, 7, lists, never);
  expect(asked.map((to) => to.split("/")[0])).toEqual([
    ...["large-4", "large-3", "large-2"],
    ...["small-4", "small-3"],
    "tiny-1",
    "large-1",
  ]);
});

test("what is refused for one snapshot stays a bound; what is refused for all ends it", async () => {
  const faulty = service(99, (to) => (to.startsWith("large-2") ? "refused" : undefined));
  const chains = [chain("large", 99, [1, 1, 1]), chain("small", 8, [1])];
  const told = await measureChanges(chains, 99, faulty.lists, never);
  expect([told, unitCost(chains, prices, told).gib]).toEqual([{ requests: 4 }, 99 + 2 + 1]);
  for (const [kind, requests] of [
    ["denied", 1],
    ["throttled", 1],
    ["unreachable", 3],
  ] as const) {
    const { lists, asked } = service(99, () => kind);
    const ended = await measureChanges([chain("large", 99, [1, 1, 1, 1, 1])], 99, lists, never);
    expect([ended.stopped?.kind, asked.length]).toEqual([kind, requests]);
  }
});

test("it ends with its time, and says so", async () => {
  const time = new AbortController();
  const { lists } = service(99, () => void time.abort());
  const told = await measureChanges([chain("large", 99, [1, 1, 1])], 99, lists, time.signal);
  expect(told).toMatchObject({ requests: 1, stopped: { kind: "interrupted" } });
});
