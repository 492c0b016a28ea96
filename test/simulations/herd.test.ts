import { describe, expect, test, vi } from "vitest";
import { type Herd, type HerdWish, herd } from "./herd.ts";

vi.setConfig({ testTimeout: 600_000 });

const agents = 10_000;
const minute = 60_000;

/** CreateSnapshots requests of an agent, those that EC2 turned away and rehearsals among them. */
const requestsEach = ({ asked, reports }: Herd) => (asked["CreateSnapshots"] ?? 0) / reports.length;

const without = ({ reports }: Herd) => reports.filter(({ points }) => points.length !== 1).length;

const failed = ({ reports }: Herd) => reports.filter(({ outcome }) => outcome !== "done").length;

const nights: readonly [string, Partial<HerdWish>, number, number][] = [
  ["without hooks", {}, 1.05, 91 * minute],
  ["with hooks, after all of them were off", { hooks: true, slept: true }, 2.05, 12 * 60 * minute],
  ["with hooks, which rehearse", { hooks: true }, 2.05, 91 * minute],
];

describe("ten thousand agents of one account and Region, in one night", () => {
  // The first two have every wish once, and SOAK=1 has each night.
  test.each(process.env["SOAK"] === undefined ? nights.slice(0, 2) : nights)(
    "%s: none fails, and hardly a request is turned away",
    async (_name, wish, most, within) => {
      const night = await herd({ agents, volumes: 1, hooks: false, ...wish });
      expect([failed(night), without(night)]).toEqual([0, 0]);
      expect(requestsEach(night)).toBeLessThanOrEqual(most);
      expect(night.asked["DeleteSnapshot"]).toBeGreaterThanOrEqual(agents);
      expect(night.lasted).toBeLessThan(within);
    },
  );

  test("deletions that the account has no room for wait, and no capture waits for them", async () => {
    // Too many for 5 a second, as for twice as many agents in the 90 minutes of a night.
    const night = await herd({ agents: agents / 2, volumes: 4, hooks: true, splay: 45 * minute });
    expect(without(night)).toBe(0);
    expect(requestsEach(night)).toBeLessThanOrEqual(2.05);
    expect(night.turnedAway["DeleteSnapshot"]).toBeGreaterThan(0);
    const late = night.reports.filter(({ steps }) =>
      steps.some(({ name, ms }) => name === "capture" && ms > minute),
    );
    expect(late).toEqual([]);
  });
});

test("deletions that are turned away for a while all happen in the run itself", async () => {
  // Three for each of 1,000 agents within eight minutes: 2,500 at once, and the rest in the time that runs wait.
  const night = await herd({ agents: 1_000, volumes: 3, hooks: false, splay: 8 * minute });
  expect(night.turnedAway["DeleteSnapshot"]).toBeGreaterThan(0);
  expect([failed(night), without(night)]).toEqual([0, 0]);
  expect(night.lasted).toBeLessThan(19 * minute);
});

test("a fleet without a splay is what the simulation says it is: most of it is turned away", async () => {
  const night = await herd({ agents: 2_000, volumes: 1, hooks: true, splay: 0 });
  expect(failed(night)).toBeGreaterThan(200);
  expect(requestsEach(night)).toBeGreaterThan(3);
});
