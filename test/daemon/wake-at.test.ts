import { getTasks } from "node-cron";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { wakeAt } from "../../src/daemon/timetable.ts";

const day = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  expect(getTasks().size).toBe(0);
});

/** A wake-up in a time of its own; tells the instants at which it came. */
function wakeUps(now: string, instant: string): { came: string[]; cancel(): void } {
  vi.useFakeTimers({ now: new Date(now) });
  const came: string[] = [];
  const wakeUp = wakeAt(new Date(instant), () => void came.push(new Date().toISOString()));
  onTestFinished(() => wakeUp.cancel());
  return { came, cancel: wakeUp.cancel };
}

test("on the real clock it wakes within the second, and not before", async () => {
  const instant = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  const woken = await new Promise<number>((resolve) => {
    wakeAt(new Date(instant), () => resolve(Date.now()));
  });
  expect(woken).toBeGreaterThanOrEqual(instant);
  expect(woken).toBeLessThan(instant + 1000);
});

describe("a wake-up", () => {
  test.each([
    { now: "2027-03-01T12:00:00.250Z", instant: "2027-03-01T12:00:01.000Z", at: "2027-03-01T12:00:01.000Z" },
    { now: "2027-03-01T12:00:00.250Z", instant: "2027-03-01T12:00:00.900Z", at: "2027-03-01T12:00:01.000Z" },
    { now: "2027-12-31T23:59:00.000Z", instant: "2028-01-01T00:00:00.000Z", at: "2028-01-01T00:00:00.000Z" },
    { now: "2027-03-01T00:00:00.000Z", instant: "2028-02-29T02:00:00.000Z", at: "2028-02-29T02:00:00.000Z" },
    { now: "2027-03-01T00:00:00.000Z", instant: "2029-03-01T02:00:00.000Z", at: "2029-03-01T02:00:00.000Z" },
    { now: "2027-03-01T00:00:00.000Z", instant: "2031-09-30T23:59:59.500Z", at: "2031-10-01T00:00:00.000Z" },
  ])("asked for at $now for $instant comes once, at $at", async ({ now, instant, at }) => {
    const { came } = wakeUps(now, instant);
    const left = Date.parse(at) - Date.now();
    await vi.advanceTimersByTimeAsync(left - 1);
    expect(came).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(came).toEqual([at]);
    await vi.advanceTimersByTimeAsync(400 * day);
    expect(came).toEqual([at]);
  });

  test.each(["2027-03-01T12:00:00.000Z", "2027-03-01T11:59:59.999Z", "2026-01-01T00:00:00.000Z"])(
    "for %s, which has passed, comes at once, but not before it was asked for",
    async (instant) => {
      const { came } = wakeUps("2027-03-01T12:00:00.000Z", instant);
      expect(came).toEqual([]);
      await vi.advanceTimersByTimeAsync(0);
      expect(came).toEqual(["2027-03-01T12:00:00.000Z"]);
      await vi.advanceTimersByTimeAsync(400 * day);
      expect(came).toHaveLength(1);
    },
  );

  test.each(["2027-03-01T12:30:00.000Z", "2027-03-01T11:00:00.000Z"])(
    "for %s that is cancelled never comes",
    async (instant) => {
      const { came, cancel } = wakeUps("2027-03-01T12:00:00.000Z", instant);
      cancel();
      cancel();
      await vi.advanceTimersByTimeAsync(400 * day);
      expect(came).toEqual([]);
    },
  );

  test("over which the host slept comes when it is awake, late as it is", async () => {
    const { came } = wakeUps("2027-03-01T12:00:00.000Z", "2027-03-01T13:00:00.000Z");
    // Timers do not run while a host sleeps; this one has an hour to go.
    vi.setSystemTime("2027-03-03T00:00:00.000Z");
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(came).toEqual(["2027-03-03T01:00:00.000Z"]);
  });
});

test("a thousand wake-ups, cancelled or come, leave nothing behind", async () => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:00:00Z") });
  let came = 0;
  for (let count = 0; count < 1_000; count++) {
    wakeAt(new Date(Date.now() + day), () => expect.fail("it was cancelled")).cancel();
    wakeAt(new Date(Date.now() + 1_000), () => {
      came += 1;
    });
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(came).toBe(1_000);
  expect(getTasks().size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
