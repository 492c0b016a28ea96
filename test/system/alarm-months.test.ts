import { expect, test } from "vitest";
import { nextSlot, parseSchedule } from "../../src/core/schedule.ts";
import { hour, Stage } from "./alarm-stage.ts";
import { chanceOf } from "./chance.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));
const nights = soak ? 60 : 10;
const minute = 60_000;
const schedule = parseSchedule("0 2 * * *");

/** Lets time pass to an instant of the simulated clock. */
async function until(stage: Stage, at: number): Promise<void> {
  await stage.later(`${Math.max(0, Math.round((at - (await stage.now())) / 1_000))}s`);
}

/** Real runs at the times of the job, by an instance's own share of the splay, put off by a restart now and then. */
async function healthyNights(
  stage: Stage,
  count: number,
  share: number,
  chance: () => number,
): Promise<void> {
  for (let night = 0; night < count; night += 1) {
    const slot = nextSlot(schedule, "Europe/Berlin", new Date((await stage.now()) - share));
    const restart = chance() < 0.1 ? Math.floor(chance() * 15) * minute : 0;
    await until(stage, slot.getTime() + share + restart);
    expect(await stage.run()).toBe("done");
    await stage.later("30m");
  }
}

test(`nobody is told anything over ${nights} healthy nights with splay, restarts and a clock change, nor over a month's power-off`, async () => {
  console.log(`alarms over months: SEED=${seed}, ${nights} nights${soak ? "" : " (SOAK=1 for 60)"}`);
  const chance = chanceOf(seed);
  const share = Math.floor(chance() * 60) * minute;
  // Berlin's clocks change in the night of the 28th. Points of before would be as old as this host's clock is.
  const start = soak ? "2027-03-01T11:20:00Z" : "2027-03-22T11:20:00Z";
  await using stage = await Stage.start({ clock: { start }, snapshots: [], images: [] });
  expect(await stage.run()).toBe("done");
  await stage.later("24h");
  await stage.settle();
  // Going from no data to OK is told once.
  await healthyNights(stage, 1, share, chance);
  stage.heard.notices.length = 0;
  await healthyNights(stage, nights, share, chance);
  expect(stage.heard.notices).toEqual([]);
  const off = (await stage.now()) + Math.floor(chance() * 24) * hour;
  await until(stage, off);
  expect((await stage.alarms("pause")).json.changes).toMatchObject([{ outcome: "silenced" }]);
  await stage.later(`${30 * 24 + Math.floor(chance() * 24)}h`);
  expect((await stage.alarms("resume")).json.changes).toMatchObject([{ outcome: "renewed" }]);
  // What was missed is made up for some minutes after the start.
  await until(stage, (await stage.now()) + 10 * minute + share);
  expect(await stage.run()).toBe("done");
  await healthyNights(stage, 3, share, chance);
  expect(stage.heard.notices.filter(({ state }) => state !== "OK")).toEqual([]);
  // It watches all the same: silence rings.
  await stage.later("32h");
  expect(stage.heard.of("missed").at(-1)).toBe("ALARM");
}, 240_000);
