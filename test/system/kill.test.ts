import { describe, expect, test } from "vitest";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { days, expectQuietRun, expectRecovery, volumeCount } from "./aftermath.ts";
import { Bench } from "./bench.ts";
import { inOrder } from "./call-order.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { scenarioOf } from "./history.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`kill loop: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** What a run that nobody disturbs asks of the APIs, in order. */
const actions = [
  "DescribeInstances",
  "DescribeVolumes",
  "CreateSnapshots",
  "DescribeSnapshots",
  "DescribeImages",
  "DescribeLockedSnapshots",
  ...Array<string>(volumeCount).fill("DeleteSnapshot"),
  "PutMetricData",
];

/** The calls of such a run, in the order of their arrival. */
const calls = [
  ...Array.from({ length: 8 }, (_, index) => ({ service: "imds" as const, index: index + 1 })),
  ...actions.map((_, index) => ({ service: undefined, index: index + 1 })),
];

interface Round {
  readonly title: string;
  readonly fault: Fault;
  /** Until the next run. */
  readonly gap: string;
  readonly quiet: boolean;
}

function roundsOf(chance: () => number): Round[] {
  const all = calls.flatMap(({ service, index }) => {
    const kinds = service === "imds" ? (["hang"] as const) : (["hang", "hang-after"] as const);
    const chosen = soak ? kinds : [kinds[Math.floor(chance() * kinds.length)] ?? "hang"];
    return chosen.map((kind) => {
      const fault: Fault = { kind, index, ...(service === undefined ? {} : { service }) };
      const gap = chance() < 0.5 ? "20s" : "24h";
      const when = kind === "hang" ? "before" : "after";
      const title = `${when} ${service ?? "API"} call ${index} took effect, next run ${gap} later`;
      return { title, fault, gap, quiet: soak || chance() < 0.2 };
    });
  });
  return shuffled(all, chance).slice(0, soak ? undefined : 10);
}

const rounds = Array.from({ length: soak ? 5 : 1 }, (_, round) => round).flatMap((round) =>
  roundsOf(chanceOf(seed + round)).map((one) => ({ ...one, round })),
);

test("the kill loop knows every call of a run", async () => {
  await using bench = await Bench.start(scenarioOf(volumeCount, days));
  expect((await bench.run()).code).toBe(0);
  const seen = bench.simulator.control.calls();
  const positionsOf = (service: "imds" | undefined) => calls.filter((call) => call.service === service);
  expect(seen.filter((call) => call.service === "imds")).toHaveLength(positionsOf("imds").length);
  expect(inOrder(bench.apiCalls().map((call) => call.action))).toEqual(actions);
  expect(positionsOf(undefined)).toHaveLength(bench.apiCalls().length);
});

describe.concurrent("a run that is killed at a call leaves nothing that the next one cannot mend", () => {
  test.each(rounds)("killed $title (round $round)", async ({ fault, gap, quiet }) => {
    await using bench = await Bench.start(scenarioOf(volumeCount, days));
    const before = await bench.simulator.control.state();
    bench.simulator.control.faults([fault]);
    const process = Promise.withResolvers<number>();
    const run = bench.execute(["run", "--config", bench.config], { onStart: process.resolve });
    const hanging = await hangingCall(bench, fault);
    globalThis.process.kill(await process.promise, "SIGKILL");
    expect((await run).signal, `killed at ${hanging.action}`).toBe("SIGKILL");
    await expectRecovery(bench, before, gap);
    if (quiet) await expectQuietRun(bench);
  });
});

/** The call that waits for an answer in vain. */
async function hangingCall({ simulator: { control } }: Bench, fault: Fault): Promise<Call> {
  for (let seen = 0; ; ) {
    const fresh = await control.waitForCalls(seen, 20_000);
    const hanging = control.calls().find((call) => call.outcome?.code === fault.kind);
    if (hanging !== undefined) return hanging;
    if (fresh.length === 0) expect.fail("the call never came");
    seen = Math.max(0, ...fresh.filter((call) => call.outcome !== null).map((call) => call.number));
  }
}
