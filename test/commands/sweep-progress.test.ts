import fc from "fast-check";
import { expect, test } from "vitest";
import { tellOn } from "../../src/commands/sweep-progress.ts";

const unit = (index: number) => ({
  id: `111122223333/region-${index}`,
  account: "111122223333",
  region: `r${index}`,
});

/** What the bar was told. */
function listening() {
  const seen: { percent: number; label: string }[] = [];
  const tell = tellOn({
    update: (percent, label) => void seen.push({ percent, label }),
    end: () => undefined,
  });
  return { seen, tell };
}

test("a unit moves the bar while it works, and says what it is at", () => {
  const { seen, tell } = listening();
  tell({ ended: 0, units: 2, unit: unit(1), what: "3 of 4 points removed", share: 0.75 });
  tell({ ended: 1, units: 2, unit: unit(2), share: 1 });
  tell({ ended: 2, units: 2, unit: unit(1), share: 1 });
  expect(seen).toEqual([
    { percent: 37.5, label: "0 of 2 units: 3 of 4 points removed, 111122223333/region-1" },
    { percent: 87.5, label: "1 of 2 units" },
    { percent: 100, label: "2 of 2 units" },
  ]);
});

test("whatever units say in whatever order, the bar never goes back, and is full when all have ended", () => {
  const told = fc.record({
    which: fc.nat(4),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(told, { maxLength: 60 }), (all) => {
      const { seen, tell } = listening();
      const over = new Set<number>();
      const end = (which: number) => {
        over.add(which);
        tell({ ended: over.size, units: 5, unit: unit(which), share: 1 });
      };
      for (const { which, share, ends } of all)
        if (over.has(which)) continue;
        else if (ends) end(which);
        else tell({ ended: over.size, units: 5, unit: unit(which), what: "work", share });
      for (const which of [0, 1, 2, 3, 4]) if (!over.has(which)) end(which);
      const percents = seen.map(({ percent }) => percent);
      expect(percents).toEqual(percents.toSorted((a, b) => a - b));
      expect(percents.at(-1)).toBe(100);
    }),
  );
});
