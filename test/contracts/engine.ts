import { describe, expect, test } from "vitest";
import type { Job } from "../../src/core/job.ts";
import type { CaptureOrder, Engine } from "../../src/core/ports.ts";
import { instance, never, scope } from "./engine-order.ts";

/** An engine that speaks to a service of its own for one test. */
export interface EngineUnderTest<Order = CaptureOrder> {
  readonly engine: Engine<Order>;
  readonly service: ServiceUnderTest;
  /** What it captures. */
  readonly job: Job;
  /** What its orders have that those of volumes lack. */
  readonly order?: Omit<Order, keyof CaptureOrder>;
  readonly series: string;
  /** The members of each of its points, sorted. */
  readonly members: readonly string[];
  /** Whether a point can be marked after its capture. */
  readonly marks: boolean;
  /** What its points are called before anything is marked. */
  readonly born: "crash" | "application";
}

/** What is behind an engine, as far as a test must reach it past the engine. */
interface ServiceUnderTest {
  /** What has been asked of it, or lies in it, that makes a point. */
  made(): Promise<readonly unknown[]>;
  /** Has its clock go on. */
  later(): Promise<void>;
  /** Refuses captures from now on. */
  refuse(): Promise<void>;
  /** Ends that, where it refuses to be read too. */
  relent?(): Promise<void>;
}

/** What every engine must do, whatever makes its snapshots. */
export function engineContract<Order = CaptureOrder>(
  name: string,
  start: () => Promise<EngineUnderTest<Order>>,
): void {
  const orderOf = ({ job, order }: EngineUnderTest<Order>, runId = "run-1") =>
    ({ ...order, job, instance, scope: scope(), runId }) as Order;
  const when = new Date("2026-03-01T02:00:00Z");

  describe(`the contract of engines: ${name}`, () => {
    test("a capture makes one point of all volumes, which is found and listed as what it is", async () => {
      const under = await start();
      const { engine, born, series, members } = under;
      const prepared = await engine.prepare(orderOf(under), never);
      await prepared.rehearse("point-1", when, never);
      await prepared.warm(never);
      const made = await prepared.capture("point-1", when);
      expect(made).toMatchObject({ id: "point-1", run: "run-1", job: "default", consistency: born });
      expect(made.snapshots.map(({ volumeId }) => volumeId).sort()).toEqual(members);
      expect(await engine.find("point-1", never)).toMatchObject({ id: "point-1", consistency: born });
      const { points } = await engine.list({ series }, never);
      expect(points.map(({ id }) => id)).toEqual(["point-1"]);
      expect(points[0]?.recipe.map(({ volumeId }) => volumeId).sort()).toEqual(members);
      expect(await engine.list({ instanceArn: `${instance.arn}0` }, never)).toMatchObject({ points: [] });
    });

    test("a point that was never made is not found, and preparing alone makes none", async () => {
      const under = await start();
      const { engine, service } = under;
      await engine.prepare(orderOf(under), never);
      expect(await engine.find("point-1", never)).toBeUndefined();
      expect(await service.made()).toEqual([]);
    });

    test("a mark is there when the point is listed again, or is refused", async () => {
      const under = await start();
      const { engine, marks } = under;
      const made = await (await engine.prepare(orderOf(under), never)).capture("point-1", when);
      if (!marks) {
        const marking = engine.mark(made, { consistency: "filesystem" }, never);
        return expect(marking).rejects.toMatchObject({ kind: "refused" });
      }
      await engine.mark(made, { consistency: "filesystem", frozenMs: 12 }, never);
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points[0]).toMatchObject({ id: "point-1", consistency: "filesystem" });
    });

    test("a point is removed member by member, and another one stays", async () => {
      const under = await start();
      const { engine, service, members } = under;
      const first = await (await engine.prepare(orderOf(under), never)).capture("point-1", when);
      await service.later();
      await (await engine.prepare(orderOf(under, "run-2"), never)).capture("point-2", when);
      const removed = [];
      for await (const one of engine.remove(first)) removed.push(one.outcome);
      expect(removed).toEqual(members.map(() => "removed"));
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points.map(({ id }) => id)).toEqual(["point-2"]);
    });

    test("a refusal is what it is, and makes nothing", async () => {
      const under = await start();
      const { engine, service } = under;
      const prepared = await engine.prepare(orderOf(under), never);
      await service.refuse();
      await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "denied" });
      await service.relent?.();
      expect(await engine.find("point-1", never)).toBeUndefined();
    });
  });
}
