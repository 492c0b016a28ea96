import fc from "fast-check";
import { expect, test } from "vitest";
import { sumCosts, unitCost } from "../../src/core/audit-cost.ts";
import type { AuditFacts } from "../../src/core/audit-ports.ts";
import { costChains } from "../../src/core/cost-chains.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { RequestBudget } from "../../src/core/request-budget.ts";
import type { ForeignSnapshot } from "../../src/core/sweep-ports.ts";
import { at } from "./points.ts";

const gib = 1024 ** 3;
const prices = { asOf: "2027-01", standard: 0.05, archive: 0.0125 };
const unit = { id: "123456789012/eu-central-1", account: "123456789012", region: "eu-central-1" };

function facts(foreign: readonly ForeignSnapshot[], copies: readonly Snapshot[] = []): AuditFacts {
  return {
    unit,
    asOf: at("2027-03-20T12:00"),
    instances: [],
    volumes: [],
    points: [],
    foreign,
    copies,
    keys: [],
    snapshots: foreign.length,
    unencryptedSnapshots: 0,
    quota: { limit: 100_000, from: "account" },
    versions: new Map(),
  };
}

const taken = (number: number, more: Partial<ForeignSnapshot> = {}): ForeignSnapshot => ({
  id: `snap-${number}`,
  volumeId: "vol-1",
  state: "completed",
  startTime: new Date(number * 86_400_000),
  sizeGiB: 100,
  fullSizeBytes: 50 * gib,
  encrypted: true,
  tags: {},
  ...more,
});

const cost = (chains: ReturnType<typeof costChains>) => unitCost(chains, prices, { requests: 0 });

test("the oldest stores what EC2 says is written; the others at most that much, or their volume, until it is measured", () => {
  expect(cost(costChains(facts([taken(1)])))).toMatchObject({ gib: 50, dollars: 2.5, certainty: "measured" });
  const { fullSizeBytes: _, ...untold } = taken(2);
  const chains = costChains(facts([untold, taken(1), taken(3)]));
  expect(chains[0]?.steps.map(({ from, to, closed }) => [from, to, closed])).toEqual([
    [undefined, "snap-1", true],
    ["snap-1", "snap-2", false],
    ["snap-2", "snap-3", false],
  ]);
  expect(cost(chains)).toMatchObject({ gib: 200, dollars: 10, certainty: "at most", unmeasured: 2 });
});

test("the archive has its own price, and is no part of the chain; what failed costs nothing", () => {
  const archived = taken(2, { archived: true });
  const failed = taken(4, { state: "error" });
  const [chain] = costChains(facts([taken(1), archived, taken(3), failed]));
  expect(chain?.steps.map(({ from, to }) => [from, to])).toEqual([
    [undefined, "snap-1"],
    ["snap-1", "snap-3"],
  ]);
  expect(cost(chain === undefined ? [] : [chain])).toMatchObject({
    snapshots: 3,
    gib: 100,
    archiveGiB: 50,
    dollars: 5 + 0.63,
  });
});

test("what is under way is a bound that nobody asks for, and without any size nothing is known", () => {
  const [chain] = costChains(facts([taken(1), taken(2, { state: "pending", fullSizeBytes: 0 })]));
  expect(chain?.steps.map(({ closed, atMost }) => [closed, atMost / gib])).toEqual([
    [true, 50],
    [true, 100],
  ]);
  const { fullSizeBytes: _, ...odd } = taken(1, { sizeGiB: 0 });
  expect(cost(costChains(facts([odd]))).certainty).toBe("unknown");
});

test("copies of other tools stand each for itself", () => {
  const copies = [1, 2].map((number) => taken(number, { volumeId: "vol-ffffffff" }));
  expect(costChains(facts(copies)).map(({ steps }) => steps.length)).toEqual([1, 1]);
});

test("another retention saves what goes without what the next one then stores, and never less than is told", () => {
  const chains = costChains(facts([taken(1), taken(2), taken(3)]), new Set(["snap-2"]));
  const [chain] = chains;
  expect(chain?.instead?.steps.map(({ from, to }) => [from, to])).toEqual([
    [undefined, "snap-1"],
    ["snap-1", "snap-3"],
  ]);
  expect(cost(chains).saved).toMatchObject({ gib: 100, certainty: "at most" });
  for (const [index, size] of [10, 20].entries())
    Object.assign(chain?.steps[index + 1] ?? {}, { measured: size * gib });
  expect(cost(chains).saved).toMatchObject({ gib: 30, certainty: "at most" });
  Object.assign(chain?.instead?.steps[1] ?? {}, { measured: 25 * gib });
  expect(cost(chains).saved).toEqual({ gib: 5, archiveGiB: 0, dollars: 0.25, certainty: "measured" });
  expect(sumCosts([cost(chains), cost(chains)])).toMatchObject({
    gib: 160,
    saved: { gib: 10, dollars: 0.5, certainty: "measured" },
  });
});

test("units share the requests, none is given twice, and what one leaves others have", () => {
  const unused = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(fc.nat({ max: 5_000 }), unused, (total, each) => {
      const units = each.map((_, index) => `unit-${index}`);
      const budget = new RequestBudget(total, units);
      let spent = 0;
      for (const [index, part] of each.entries()) {
        const share = budget.share(`unit-${index}`);
        if (part === 0)
          expect(share).toBeGreaterThanOrEqual(Math.floor((total - spent) / (each.length - index)));
        const left = Math.floor(share * part);
        spent += share - left;
        budget.done(`unit-${index}`, left);
      }
      expect(spent).toBeLessThanOrEqual(total);
    }),
  );
  const lone = new RequestBudget(10, ["a", "b"]);
  expect(lone.share("a")).toBe(5);
  lone.done("a", 3);
  expect(lone.share("b")).toBe(8);
});
