import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Notice, TerminationWatch } from "../../src/core/termination.ts";
import type { JobTiming } from "../../src/core/timetable.ts";
import { FakeHost, type FakeHostOptions, hour, minute, pass } from "../fakes/daemon-host.ts";

const second = 1_000;
const hourly: JobTiming = { job: "default", schedule: "every 1h", timezone: "UTC", splay: 0 };
const watch: TerminationWatch = {
  endpoint: "http://127.0.0.1:1",
  sources: ["spot"],
  every: 5 * second,
  budget: minute,
};
const notice: Notice = { source: "spot", action: "terminate", time: "2027-03-01T12:13:00Z" };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2027-03-01T12:10:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

async function watching(options: Partial<FakeHostOptions> = {}): Promise<FakeHost> {
  const host = new FakeHost({ jobs: [hourly], ...options });
  host.termination = watch;
  return host.run();
}

describe("a daemon that watches for the end of its instance", () => {
  test("looks as often as it is told to, and not at all where there is nothing to watch for", async () => {
    const host = await watching();
    await pass(minute);
    expect(host.looks).toBe(13);
    host.termination = undefined;
    host.reload();
    await pass(minute);
    expect(host.looks).toBe(13);
    expect(host.last).toEqual([]);
    host.stop();
    await host.ended;
    expect(host.looks).toBe(13);
  });

  test("makes one last run of a notice, with the whole budget, however often it is seen", async () => {
    const host = await watching();
    host.notice = () => notice;
    await pass(5 * second);
    expect(host.last).toMatchObject([{ notice, within: minute }]);
    await pass(10 * second);
    host.last[0]?.end();
    await pass(10 * minute);
    expect(host.last).toHaveLength(1);
    expect(host.logged.filter((line) => line.includes("about to end"))).toHaveLength(1);
  });

  test("tells runs at work to stop, once, and begins none while the notice is there", async () => {
    const host = await watching();
    await pass(50 * minute);
    expect(host.started).toHaveLength(1);
    host.notice = () => notice;
    await pass(30 * second);
    expect(host.started[0]?.told).toBe(1);
    host.started[0]?.end();
    host.last[0]?.end();
    await pass(2 * hour);
    expect(host.started).toHaveLength(1);
    expect(host.logged).toContainEqual(
      expect.stringContaining("a slot came when this instance was about to end"),
    );
    host.notice = () => undefined;
    await pass(hour);
    expect(host.started).toHaveLength(2);
    // Those that were left out are told by the next.
    expect(host.started[1]?.missed).toBe(2);
  });

  test("tries again what failed, with what is left of the time, and no more when it is over", async () => {
    const host = await watching();
    host.notice = () => notice;
    await pass(5 * second);
    await pass(18 * second);
    host.last[0]?.end(69);
    await pass(5 * second);
    expect(host.last.map(({ within }) => within)).toEqual([minute, 40 * second]);
    await pass(33 * second);
    host.last[1]?.end(69);
    await pass(10 * minute);
    expect(host.last).toHaveLength(2);
    expect(host.logged).toContainEqual("error: the last capture did not come about in its time");
  });

  test("takes another notice for another, such as that of the next stop of the same instance", async () => {
    const host = await watching();
    for (const time of ["2027-03-01T12:13:00Z", "2027-03-01T14:00:00Z"]) {
      host.notice = () => ({ source: "spot", action: "stop", time });
      await pass(10 * second);
      host.last.at(-1)?.end();
      await pass(0);
    }
    expect(host.last).toHaveLength(2);
  });

  test("leaves a last run alone when somebody else gives notice as well", async () => {
    const host = await watching();
    host.notice = () => ({ source: "autoscaling", action: "Terminated" });
    await pass(10 * second);
    host.notice = () => notice;
    await pass(10 * second);
    expect(host.last).toHaveLength(1);
    expect(host.logged.join()).not.toContain("exit code 143");
  });

  test("tells of trouble once until it is over, and goes on", async () => {
    const host = await watching();
    for (let round = 0; round < 2; round += 1) {
      host.notice = () => {
        throw new Error("no answer");
      };
      await pass(minute);
      host.notice = () => undefined;
      await pass(minute);
    }
    const told = host.logged.filter((line) => /look for a notice|tells of notices again/.test(line));
    expect(told.map((line) => line.split(":")[0])).toEqual(["warn", "info", "warn", "info"]);
  });

  test("told to stop, it looks once more, and gives a last run its time also beyond stopWithin", async () => {
    const host = await watching({ waits: { stopWithin: second } });
    await pass(2 * second);
    host.notice = () => notice;
    host.stop();
    await pass(50 * second);
    expect(host.last).toHaveLength(1);
    expect(host.logged).toContain("info: stopping; 1 run(s) at work");
    host.last[0]?.end();
    await host.ended;
    expect(host.logged).toContain("info: the last capture ended with exit code 0");
  });

  test("told to stop while the metadata service is silent, it does not wait for it for long", async () => {
    const host = await watching();
    host.notice = () => {
      throw new Error("no answer");
    };
    host.stop();
    await pass(2 * second);
    await host.ended;
    expect(host.last).toEqual([]);
  });
});
