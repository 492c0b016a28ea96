import { expect } from "vitest";
import { imageNameOf } from "../../src/core/image-due.ts";
import type { Volume } from "../../src/core/instance.ts";
import type { Job } from "../../src/core/job.ts";
import { tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import type { ImageReport } from "../../src/core/report.ts";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Image } from "../../src/simulator/ec2/machines.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench, type Run, type Waits } from "./bench.ts";
import { instance, jobKeeping, scenarioOf, volumesOf } from "./history.ts";

type State = Awaited<ReturnType<Bench["simulator"]["control"]["state"]>>;

/** Ten o'clock of a day of a month, 1 being January: far from the turn of a month, whenever the test runs. */
const tenth = (month: number): Date => new Date(Date.UTC(2027, month - 1, 10, 2));

const idOf = (kind: "snap" | "ami", month: number, member: number): string =>
  `${kind}-0${(month * 1000 + member).toString(16).padStart(16, "0")}`;

/** What the runs of one month have left: a regular point, and an image with its point. */
function monthOf(month: number, volumes: readonly Volume[], job: Job) {
  const captured = tenth(month);
  const period = `monthly 2027-${String(month).padStart(2, "0")}`;
  const owner = { instanceId: instance.id, instanceArn: instance.arn, job: job.name };
  const sets = [undefined, period].map((image, kind) => {
    const id = `0fa00000-000${kind}-7000-8000-${month.toString(16).padStart(12, "0")}`;
    const more = image === undefined ? {} : { image };
    const { tags } = tagsOf({
      pointId: id,
      runId: id,
      job,
      instance,
      captured,
      volumes,
      version: "0.0.0",
      ...more,
    });
    const snapshots = volumes.map((volume, member) => ({
      id: idOf("snap", month, kind * 100 + member),
      volumeId: volume.id,
      volumeSize: volume.sizeGiB,
      tags,
      state: "completed" as const,
      startTime: captured.toISOString(),
    }));
    return { tags, snapshots };
  });
  const [, made] = sets;
  const image = {
    id: idOf("ami", month, 0),
    name: imageNameOf(owner, period, 1),
    tags: made?.tags ?? {},
    creationTime: captured.toISOString(),
    sourceInstanceId: instance.id,
    snapshots: Object.fromEntries(
      volumes.map(({ device }, member) => [device, made?.snapshots[member]?.id ?? ""]),
    ),
  };
  return { snapshots: sets.flatMap(({ snapshots }) => snapshots), image };
}

/** A machine of two volumes whose job keeps the last point, and makes an image each month. */
export class ImageStage implements AsyncDisposable {
  readonly bench: Bench;

  private constructor(bench: Bench) {
    this.bench = bench;
  }

  static async start(
    change: Partial<Scenario> = {},
    job = "{ last: 1 }, image: monthly",
    waits: Waits = {},
    months = 0,
  ): Promise<ImageStage> {
    const history = Array.from({ length: months }, (_, index) =>
      monthOf(index + 1, volumesOf(2), jobKeeping(1)),
    );
    const own = {
      limits: false,
      clock: { start: tenth(months + 1).toISOString() },
      times: { imageSnapshots: 0.05 },
      snapshots: history.flatMap(({ snapshots }) => snapshots),
      images: history.map(({ image }) => image),
    };
    const bench = await Bench.start(scenarioOf(2, 0, { ...own, ...change }), waits, job);
    return new ImageStage(bench);
  }

  /** The same after so many months, of which each has left an image: in the last one an image is due, and one to go. */
  static after(months: number): Promise<ImageStage> {
    return ImageStage.start({}, undefined, {}, months);
  }

  get control() {
    return this.bench.simulator.control;
  }

  async nextMonth(): Promise<void> {
    const now = new Date((await this.control.state()).now);
    const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 10, 2);
    await this.control.clock({ set: new Date(next).toISOString() });
  }

  /** The calls since the one with that number. */
  callsSince(number: number): Call[] {
    return this.bench.apiCalls().filter((call) => call.number > number);
  }

  lastCall(): number {
    return this.control.calls().at(-1)?.number ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
  }
}

/** What a run says of images. */
export function imageOf(run: Run): ImageReport | undefined {
  return (run.report as unknown as { image?: ImageReport }).image;
}

/** Images that were made by the agent and are registered, by period. */
export function living(state: State): Map<string, Image[]> {
  const found = new Map<string, Image[]>();
  for (const image of Object.values(state.images)) {
    const period = image.tags[tagKeys.image];
    if (period === undefined || image.state === "deregistered" || image.sourceInstanceId !== instance.id)
      continue;
    found.set(period, [...(found.get(period) ?? []), image]);
  }
  return found;
}

/** Ids of snapshots by the point that they are of; of images, or of all others. */
export function pointsOf(state: State, ofImages: boolean): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, tags } of Object.values(state.snapshots)) {
    const point = tags[tagKeys.point];
    if (point === undefined || (tags[tagKeys.image] !== undefined) !== ofImages) continue;
    found.set(point, [...(found.get(point) ?? []), id]);
  }
  return found;
}

/** What holds at any moment, whatever becomes of a run. */
export function expectSound(state: State): void {
  for (const [period, images] of living(state)) {
    const good = images.filter((image) => image.state !== "failed");
    expect(good.length, `${period}: ${good.map(({ id }) => id)}`).toBeLessThanOrEqual(1);
    for (const image of good)
      for (const id of Object.values(image.snapshots))
        expect(state.snapshots, `${id} of ${image.id}`).toHaveProperty([id]);
  }
  const { boots, rebootsAt } = Object.values(state.instances).find(({ id }) => id === instance.id) ?? {};
  expect([boots, rebootsAt], "never rebooted").toEqual([1, null]);
}

/** What holds when runs have gone well again: nothing is left of what was to go. */
export function expectNoLeak(state: State): void {
  expectSound(state);
  const images = [...living(state).values()].flat();
  expect(images.filter(({ state: each }) => each === "failed")).toEqual([]);
  const used = new Set(images.flatMap(({ snapshots }) => Object.values(snapshots)));
  const left = [...pointsOf(state, true).values()].flat().filter((id) => !used.has(id));
  expect(left, "snapshots of images that are gone").toEqual([]);
}
