import { describe, expect, test } from "vitest";
import type { Job } from "../../src/core/job.ts";
import type { Engine } from "../../src/core/ports.ts";
import { scopeOf } from "../../src/core/selection.ts";
import { instance, never, volumes } from "./engine-order.ts";

/** An engine that speaks to a service of its own for one test. */
export interface EngineUnderTest {
  readonly engine: Engine;
  readonly service: ServiceUnderTest;
  /** What it captures. */
  readonly job: Job;
  readonly series: string;
  /** The members of each of its points, sorted. */
  readonly members: readonly string[];
  /** Whether a point can be marked after its capture. */
  readonly marks: boolean;
  /** What its points are called before anything is marked. */
  readonly born: "crash" | "application";
}

/** What is behind an engine, as far as a test must reach it past the engine. */
export interface ServiceUnderTest {
  /** What has been asked of it, or lies in it, that makes a point. */
  made(): Promise<readonly unknown[]>;
  /** Has its clock go on. */
  later(): Promise<void>;
  /** Refuses captures from now on. */
  refuse(): Promise<void>;
  /** Ends that, where it refuses to be read too. */
  relent?(): Promise<void>;
}

const scope = () => {
  const found = scopeOf({ chosen: volumes.map((volume) => ({ volume, because: "attached" })), left: [] });
  if (!("expected" in found)) throw new Error("the volumes cannot be captured at once");
  return found;
};

/** What every engine must do, whatever makes its snapshots. */
export function engineContract(name: string, start: () => Promise<EngineUnderTest>): void {
  const orderOf = (job: Job, runId = "run-1") => ({ job, instance, scope: scope(), runId });
  const when = new Date("2026-03-01T02:00:00Z");

  describe(`the contract of engines: ${name}`, () => {
    test("a capture makes one point of all volumes, which is found and listed as what it is", async () => {
      const { engine, born, job, series, members } = await start();
      const prepared = await engine.prepare(orderOf(job), never);
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
      const { engine, service, job } = await start();
      await engine.prepare(orderOf(job), never);
      expect(await engine.find("point-1", never)).toBeUndefined();
      expect(await service.made()).toEqual([]);
    });

    test("a mark is there when the point is listed again, or is refused", async () => {
      const { engine, job, marks } = await start();
      const made = await (await engine.prepare(orderOf(job), never)).capture("point-1", when);
      if (!marks) {
        const marking = engine.mark(made, { consistency: "filesystem" }, never);
        return expect(marking).rejects.toMatchObject({ kind: "refused" });
      }
      await engine.mark(made, { consistency: "filesystem", frozenMs: 12 }, never);
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points[0]).toMatchObject({ id: "point-1", consistency: "filesystem" });
    });

    test("a point is removed member by member, and another one stays", async () => {
      const { engine, service, job, members } = await start();
      const first = await (await engine.prepare(orderOf(job), never)).capture("point-1", when);
      await service.later();
      await (await engine.prepare(orderOf(job, "run-2"), never)).capture("point-2", when);
      const removed = [];
      for await (const one of engine.remove(first)) removed.push(one.outcome);
      expect(removed).toEqual(members.map(() => "removed"));
      const { points } = await engine.list({ instanceArn: instance.arn }, never);
      expect(points.map(({ id }) => id)).toEqual(["point-2"]);
    });

    test("a refusal is what it is, and makes nothing", async () => {
      const { engine, service, job } = await start();
      const prepared = await engine.prepare(orderOf(job), never);
      await service.refuse();
      await expect(prepared.capture("point-1", when)).rejects.toMatchObject({ kind: "denied" });
      await service.relent?.();
      expect(await engine.find("point-1", never)).toBeUndefined();
    });
  });
}
