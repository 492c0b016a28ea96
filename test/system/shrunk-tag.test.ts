import { expect, test } from "vitest";
import { Bench, type Run } from "./bench.ts";
import { instance, scenarioOf, setsOf } from "./history.ts";

async function pointsIn({ simulator }: Bench): Promise<string[]> {
  return setsOf(await simulator.control.state()).map(({ id }) => id);
}

async function tag({ simulator }: Bench, retention: string): Promise<void> {
  await simulator.control.instances({ change: { instance: instance.id, tags: { Retention: retention } } });
}

/** The plan for this moment and the run directly after it, which removes that and nothing else. */
async function planned(bench: Bench): Promise<{ run: Run; gone: string[] }> {
  const { control } = bench.simulator;
  const plan = (await bench.plan()).report.retention;
  const before = await control.state();
  const known = await pointsIn(bench);
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(0);
  const [made = ""] = run.report.points.map(({ id }) => id);

  const after = await control.state();
  const gone = Object.keys(before.snapshots).filter((id) => !(id in after.snapshots));
  const wanted = plan?.remove.flatMap(({ snapshots }) => snapshots.map(({ id }) => id)) ?? [];
  expect(gone.sort(), "what the plan names").toEqual(wanted.sort());
  expect(run.report.retention?.remove.map(({ id }) => id)).toEqual(plan?.remove.map(({ id }) => id));
  const left = known.filter((id) => !plan?.remove.some((one) => one.id === id));
  const kept = plan?.keep.map(({ point }) => point.id) ?? [];
  expect(kept).toEqual(left);
  expect(await pointsIn(bench)).toEqual([made, ...left]);
  for (const { point, reasons } of plan?.keep ?? []) expect(reasons, point.id).not.toEqual([]);
  return { run, gone };
}

test("a slip in the tag Retention removes nothing for a week, and then no more than the plan says", async () => {
  // All but the three newest, which are always kept, and the oldest, which an image holds.
  const oldOnes = 3;
  await using bench = await Bench.start(scenarioOf(2, oldOnes + 2, { limits: false }));
  await tag(bench, "30");
  const generous = await bench.run();
  expect(generous.code, generous.stderr).toBe(0);

  await tag(bench, "1");
  await bench.tomorrow();
  const present = await pointsIn(bench);
  const { run, gone } = await planned(bench);
  expect(gone).toEqual([]);
  expect(run.report.retention?.policy).toContain("within 1d");
  const waiting = run.report.retention?.keep.filter(({ reasons }) =>
    reasons.some((reason) => /^within 30d of the earlier policy/.test(reason)),
  );
  expect(waiting?.map(({ point }) => point.id)).toEqual(present);

  await bench.simulator.control.clock({ advance: "168h" });
  const week = await planned(bench);
  expect(week.gone).toHaveLength(2 * oldOnes);
  expect(week.run.report.retention?.remove.map(({ id }) => id)).toEqual(present.slice(2, -1));
});
