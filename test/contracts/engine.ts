import { describe, expect, test } from "vitest";
import type { Engine } from "../../src/core/ports.ts";
import { scopeOf } from "../../src/core/selection.ts";
import type { Simulation } from "../simulator/simulate.ts";
import { instance, job, never, volumes } from "./engine-order.ts";

/** An engine that speaks to a service of its own for one test. */
export interface EngineUnderTest {
  readonly engine: Engine;
  readonly simulation: Simulation;
  /** What its points are called before anything is marked. */
  readonly born: "crash" | "application";
}

const scope = () => {
  const found = scopeOf({ chosen: volumes.map((volume) => ({ volume, because: "attached" })), left: [] });
  if (!("expected" in found)) throw new Error("the volumes cannot be captured at once");
  return found;
};

/** What every engine must do, whatever makes its snapshots. */
export function engineContract(name: string, start: () => Promise<EngineUnderTest>): void {
  const order = { job: job(), instance, scope: scope(), runId: "run-1" };
  const when = new Date("2026-03-01T02:00:00Z");

  describe(`the contract of engines: ${name}`, () => {
    test("a capture makes one point of all volumes, which is found and listed as what it is", async () => {
      const { engine, born } = await start();
      const prepared = await engine.prepare(order, never);
      await prepared.rehearse("point-1", when, never);
      await prepared.warm(never);
      const made = await prepared.capture("point-1", when);
      expect(made).toMatchObject({ id: "point-1", run: "run-1", job: "default", consistency: born });
      expect(made.snapshots.map(({ volumeId }) => volumeId).sort()).toEqual(volumes.map(({ id }) => id));
      expect(await engine.find("point-1", never)).toMatchObject({ id: "point-1", consistency: born });
      const { points } = await engine.list({ series: `${instance.arn}/default` }, never);
      expect(points.map(({ id }) => id)).toEqual(["point-1"]);
      expect(points[0]?.recipe.map(({ volumeId }) => volumeId).sort()).toEqual(volumes.map(({ id }) => id));
      expect(await engine.list({ instanceArn: `${instance.arn}0` }, never)).toMatchObject({ points: [] });
    });

    test("a point that was never made is not found, and preparing alone makes none", async () => {
      const { engine, simulation } = await start();
      await engine.prepare(order, never);
      expect(await engine.find("point-1", never)).toBeUndefined();
      expect(simulation.control.calls().filter(({ action }) => /^Create|^Send/.test(action))).toEqual([]);
    });

    test("a mark is there when the point is listed again", async () => {
      const { engine } = await start();
      const made = await (await engine.prepare(order, never)).capture("point-1", when);
      await engine.mark(made, { consistency: "filesystem", frozenMs: 12 }, never);
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points[0]).toMatchObject({ id: "point-1", consistency: "filesystem" });
    });

    test("a point is removed member by member, and another one stays", async () => {
      const { engine, simulation } = await start();
      const first = await (await engine.prepare(order, never)).capture("point-1", when);
      await simulation.control.clock({ advance: "1h" });
      await (await engine.prepare({ ...order, runId: "run-2" }, never)).capture("point-2", when);
      const removed = [];
      for await (const one of engine.remove(first)) removed.push(one.outcome);
      expect(removed).toEqual(["removed", "removed"]);
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points.map(({ id }) => id)).toEqual(["point-2"]);
    });

    test("a refusal is what it is, and makes nothing", async () => {
      const { engine, simulation } = await start();
      await simulation.control.settings({
        deny: [{ action: "ec2:CreateSnapshots" }, { action: "ssm:SendCommand" }],
      });
      const prepared = await engine.prepare(order, never);
      await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "denied" });
      expect(await engine.find("point-1", never)).toBeUndefined();
    });
  });
}
