import { expect, test, vi } from "vitest";
import { hour } from "../core/points.ts";
import { chanceOf } from "../system/chance.ts";
import { Months } from "./months.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));
const [machines, days] = soak ? [100, 30] : [6, 8];

test(`two sweeps and ${machines} agents at once, ${days} days with faults: nothing goes that a policy keeps, nothing is made twice, and orphans go in the end`, async () => {
  const mark = chanceOf(seed)() < 0.5 ? 0 : 20 * hour;
  const said = `SEED=${seed}, ${machines} agents, ${days} days, marks ${mark / hour} h`;
  console.log(`months: ${said}${soak ? "" : " (SOAK=1 for 100 and 30)"}`);
  vi.stubEnv("AWS_ENDPOINT_URL", "");
  await using months = await Months.start({ seed, machines, mark });
  const { judge } = months;
  for (let index = 0; index < days; index += 1) {
    await months.day(true);
    if (soak) console.log(`months: day ${index + 1}, ${judge.judged} removals, ${judge.wrongs.length} wrong`);
  }
  // Nothing goes wrong any more, and what is left undone is made up for.
  const quiet = { agents: true, create: false, faults: false, hours: 23.9 };
  for (let index = 0; index < (soak ? 12 : 6); index += 1) await months.together(quiet);
  const state = await months.state();
  console.log(`months: ${JSON.stringify(months.told)}, ${judge.judged} removals judged`);
  expect(judge.wrongs, said).toEqual([]);
  expect(judge.leftOver(state), said).toEqual({ orphans: [], living: [], halves: [] });
  const enough = soak ? 20 : 1;
  expect(judge.judged).toBeGreaterThan(20 * enough);
  expect(months.told.captured).toBeGreaterThan(10 * enough);
  if (soak) for (const count of Object.values(months.told)) expect(count).toBeGreaterThan(5);
  // All is given up, and in two years the calendar keeps nothing of it.
  await months.abandon();
  for (let year = 0; year < 2; year += 1) {
    await months.later(400);
    for (let round = 0; round < 15 && judge.orphans(await months.state()) > 0; round += 1)
      await months.together({ ...quiet, agents: false });
  }
  expect([judge.wrongs, judge.orphans(await months.state())], said).toEqual([[], 0]);
}, 7_200_000);
