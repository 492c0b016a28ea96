import { describe, expect, test } from "vitest";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Fault, FaultKind } from "../../src/simulator/faults.ts";
import { inOrder } from "./call-order.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { expectNoLeak, expectSound, ImageStage, imageOf, living, pointsOf } from "./image-stage.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `runs that make and remove an image: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);
/** Each round is four processes: a few of them are enough for every change, all of them for a release. */
const rounds = soak ? { deaths: undefined, faults: undefined } : { deaths: 3, faults: 2 };

/** The calls of a run that makes an image and removes another, and a regular point of two volumes. */
const calls = [
  "DescribeInstances",
  "DescribeVolumes",
  "CreateSnapshots",
  "DescribeSnapshots",
  "DescribeImages",
  "DescribeLockedSnapshots",
  "DeleteSnapshot",
  "DeleteSnapshot",
  "DescribeImages",
  "CreateImage",
  "DescribeImages",
  "DescribeImages",
  "DescribeLockedSnapshots",
  "DescribeImageAttribute",
  "DescribeImages",
  "DeregisterImage",
  "DeleteSnapshot",
  "DeleteSnapshot",
  "PutMetricData",
];
const period = "monthly 2027-03";
const job = "{ last: 1 }, image: monthly";
const ready = () => ImageStage.after(2);

type State = Awaited<ReturnType<ImageStage["control"]["state"]>>;

/** Whatever happens, there is a whole image, and a whole regular point. */
function expectSafe(state: State): void {
  const images = [...living(state).values()].flat();
  expect(images.map((image) => image.state)).toContain("available");
  const whole = [...pointsOf(state, false).values()].filter((ids) =>
    ids.every((id) => state.snapshots[id]?.state === "completed"),
  );
  expect(whole.map((ids) => ids.length)).toContain(2);
}

/** The next runs make good whatever was left: one image of the period, and nothing that was to go. */
async function expectHealed(stage: ImageStage, gap: string, what: string): Promise<void> {
  const { bench, control } = stage;
  const harmed = await control.state();
  expectSound(harmed);
  expectSafe(harmed);
  await control.clock({ advance: gap });
  const next = await bench.run();
  expect([0, 1], `${what}: ${next.stderr}`).toContain(next.code);
  expectSound(await control.state());
  expectSafe(await control.state());
  await bench.tomorrow();
  const last = await bench.run();
  expect(last.code, `${what}: ${last.stderr}`).toBe(0);
  expect(imageOf(last)?.outcome, what).toBe("there");
  const healed = await control.state();
  expectNoLeak(healed);
  expectSafe(healed);
  expect([...living(healed).keys()], what).toEqual([period]);
}

test("the loops know every call of such a run", async () => {
  await using stage = await ready();
  const from = stage.lastCall();
  expect((await stage.bench.run()).code).toBe(0);
  expect(inOrder(stage.callsSince(from).map(({ action }) => action))).toEqual(calls);
});

const deaths = calls.flatMap((action, index) =>
  (["hang", "hang-after"] as const).map((kind) => ({ action, index: index + 1, kind })),
);

describe.concurrent("a run that is killed at a call never leads to two images of a period, nor loses or leaves one", () => {
  const chance = chanceOf(seed);
  const chosen = shuffled(deaths, chance).slice(0, rounds.deaths);
  const all = chosen.map((one) => ({ ...one, gap: chance() < 0.5 ? "20s" : "24h" }));
  test.each(all)(
    "$kind at call $index, $action, next run $gap later",
    async ({ index, kind, action, gap }) => {
      await using stage = await ready();
      const { bench, control } = stage;
      control.faults([{ kind, index }]);
      const process = Promise.withResolvers<number>();
      const run = bench.execute(["run", "--config", bench.config], { onStart: process.resolve });
      const hanging = await hangingCall(stage, kind);
      globalThis.process.kill(await process.promise, "SIGKILL");
      expect((await run).signal, `killed at ${hanging.action}`).toBe("SIGKILL");
      await expectHealed(stage, gap, `${kind} ${action}`);
    },
  );
});

const own = ["DescribeImages", "CreateImage", "DescribeImageAttribute", "DeregisterImage", "DeleteSnapshot"];
const kinds = [
  "throttle",
  "500",
  "denied",
  "error",
  "reset-before",
  "reset-after",
  "malformed",
  "truncated",
  "hang-after",
] as const satisfies readonly FaultKind[];
const faults: Fault[] = [
  ...own.flatMap((action) =>
    kinds.flatMap((kind) =>
      (["once", "lasting"] as const).map(
        (how): Fault => ({
          kind,
          action,
          ...(kind === "error" ? { code: "InternalError", status: 500, message: "no" } : {}),
          ...(how === "once" ? {} : { count: "always" }),
        }),
      ),
    ),
  ),
  { kind: "error", action: "CreateImage", code: "InvalidParameterValue", status: 400, message: "no" },
  { kind: "error", action: "DeregisterImage", code: "OperationNotPermitted", status: 400, message: "no" },
  { kind: "partial", action: "CreateImage" },
  { kind: "invisible", action: "CreateImage", seconds: 600 },
  { kind: "partial-listing", action: "DescribeImages", items: 3, count: "always" },
  { kind: "short-page", action: "DescribeImages", items: 1, count: "always" },
];

describe.concurrent("whatever becomes of the calls for images, there is one of a period, and what went wrong is told", () => {
  const chosen = shuffled(faults, chanceOf(seed + 1)).slice(0, rounds.faults);
  test.each(chosen.map((fault) => ({ ...fault, fault, times: fault.count ?? 1 })))(
    "$kind of $action ($times)",
    async ({ fault }) => {
      await using stage = await ready();
      const { bench, control } = stage;
      await bench.configure({ request: "1s", capture: "1s" }, job);
      control.faults([fault]);
      const run = await bench.run();
      control.clearFaults();
      expect([0, 1], run.stderr).toContain(run.code);
      expect(run.report.points, "the regular point is made whatever happens").toHaveLength(1);
      const after = await control.state();
      expectSound(after);
      const made = living(after).has(period);
      const told = run.report.problems.some(({ severity }) => severity === "error");
      expect(run.code, "exit code and errors agree").toBe(told ? 1 : 0);
      if (!made || imageOf(run)?.outcome === "not-made") expect(told, "a missing image is told").toBe(true);
      await expectHealed(stage, "24h", `${fault.kind} ${fault.action}`);
    },
  );
});

/** The call that waits for an answer in vain. */
async function hangingCall({ control }: ImageStage, kind: string): Promise<Call> {
  for (let seen = stageEnd(control); ; ) {
    const fresh = await control.waitForCalls(seen, 20_000);
    const hanging = control.calls().find((call) => call.outcome?.code === kind);
    if (hanging !== undefined) return hanging;
    if (fresh.length === 0) expect.fail("the call never came");
    seen = Math.max(seen, ...fresh.filter((call) => call.outcome !== null).map((call) => call.number));
  }
}

const stageEnd = (control: ImageStage["control"]): number =>
  Math.max(
    0,
    ...control
      .calls()
      .filter(({ outcome }) => outcome !== null)
      .map(({ number }) => number),
  );
