import { BackupError } from "../core/errors.ts";
import { decideImage, type ImageOwner, isBroken, isOwnImage, withImages } from "../core/image-due.ts";
import type { FoundImage, ImageEngine } from "../core/image-ports.ts";
import { seriesOf } from "../core/job.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { ImageReport, RetentionReport } from "../core/report.ts";
import { leaveBeyond } from "./leave-beyond.ts";
import { makeImage } from "./make-image.ts";
import { prune } from "./prune.ts";
import { type Gate, gateOf } from "./prune-gate.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** What the parts of a round have in common. */
interface Round {
  readonly request: RunRequest;
  readonly deps: RunDeps;
  readonly engine: ImageEngine;
  readonly record: Recorder;
  readonly found: Findings;
  readonly owner: ImageOwner;
}

/**
 * What a run does about the images of its job, when its own point is made and nothing is held still any more: makes the
 * one of the present period unless it is there, and removes points of images that retention gives up. Whatever fails is
 * told, and harms nothing else. `gate`: what may be removed in this run, if anything.
 */
export async function imageRound(
  request: RunRequest,
  gate: Gate | undefined,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<ImageReport> {
  const { job, discovery } = request;
  const { id: instanceId, arn: instanceArn } = discovery.instance;
  const owner = { instanceId, instanceArn, job: job.name };
  const round: Round = { request, deps, engine: await deps.images(), record, found, owner };
  const listed = found.listing?.images ?? [];
  if (job.image === undefined) {
    const retention = await thinImages(round, listed, gate, signal);
    return { outcome: "none", ...(retention && { retention }) };
  }
  const images = await record.step("look for images", async () => {
    const all = await round.engine.list(seriesOf(job.name, instanceArn), signal);
    return all.filter((image) => isOwnImage(image, owner));
  });
  const points = withImages(listed, images ?? []);
  for (const image of images ?? []) tellFailed(image, listed, record);
  const report = await makeIfDue(round, points, images, signal);
  const retention = await thinImages(round, points, gate, signal);
  return { ...report, ...(retention && { retention }) };
}

/** Of snapshots that failed a run tells anyway. */
function tellFailed(image: FoundImage, listed: readonly RecoveryPoint[], record: Recorder): void {
  if (!isBroken(image.state)) return;
  const point = listed.find(({ id }) => id === image.tags[tagKeys.point]);
  if (point?.state === "failed") return;
  record.report("error", {
    kind: "refused",
    doing: `make the image of ${image.tags[tagKeys.image]}`,
    found: `EC2 could not make ${image.id}${image.reason === undefined ? "" : `: ${image.reason}`}`,
    remedy:
      "it is taken away by retention, and a run of the period makes another; check the volumes' KMS keys",
    code: "ImageFailed",
  });
}

async function makeIfDue(
  round: Round,
  points: readonly RecoveryPoint[],
  images: readonly FoundImage[] | undefined,
  signal: AbortSignal,
): Promise<ImageReport> {
  const { request, found, record } = round;
  const { job } = request;
  const { listing } = found;
  // What failed is in the report.
  if (job.image === undefined || images === undefined || listing === undefined)
    return { outcome: "not-made" };
  const decision = decideImage(job.image, job.timezone, listing.asOf, points, images);
  const { period } = decision;
  if (!decision.make) {
    const { image, point } = decision;
    return { period, outcome: "there", point, ...(image === undefined ? {} : { image }) };
  }
  if (request.planned) return { period, outcome: "due" };
  const captured = found.points.some(({ state }) => state !== "failed");
  if (!request.capture || !captured) return { period, outcome: "not-made" };
  const made = await record.step("make an image", () => make(round, period, signal));
  if (made === undefined) return { period, outcome: "not-made" };
  return { period, outcome: "made", ...made };
}

async function make(round: Round, period: string, signal: AbortSignal) {
  const { request, deps, engine, record, found, owner } = round;
  const { job, discovery, run } = request;
  const { chosen, left } = found.selected;
  const expected = chosen.map(({ volume }) => volume);
  const scope = { excludeRoot: false, excludeDataVolumeIds: [], expected, unwanted: [] };
  if (!expected.some(({ root }) => root)) throw rootless(period);
  const { instance, asOf } = discovery;
  const mounts = () => found.mounts?.mounts;
  const order = { job, instance, scope, runId: run, mounts, ...(asOf === undefined ? {} : { asOf }) };
  // Each is named, also one that is being detached: what is left out must not come in by a delay.
  const without = left.map(({ volume }) => volume.device);
  const pointId = deps.newId();
  const wanted = { owner, order: { order, pointId, period, without }, waits: job.waits };
  const made = await makeImage(wanted, { engine, clock: deps.clock, log: deps.log, record }, signal);
  deps.log("info", `${made.image} is the image of ${period}`, { run, job: job.name, point: made.point });
  return made;
}

function rootless(period: string): BackupError {
  return new BackupError({
    kind: "configuration",
    doing: `make the image of ${period}`,
    found: "the root volume is left out, and EC2 makes no image without it",
    remedy: "take the root volume, or take the option `image` out of the job",
  });
}

/** Removes points of images as far as this run has the right to: their series is judged by itself. */
async function thinImages(
  { request, deps, engine, record, found }: Round,
  points: readonly RecoveryPoint[],
  gate: Gate | undefined,
  signal: AbortSignal,
): Promise<RetentionReport | undefined> {
  const { listing } = found;
  if (gate === undefined || listing === undefined || points.length === 0) return undefined;
  const own = { points, asOf: listing.asOf };
  if (request.capture && request.job.prune !== undefined) return leaveBeyond(request.job, own, record);
  // While regular points fail, what images hold may be all there is.
  const may = gate.may === "plan" ? gateOf(request, own, [], deps.clock).may : gate.may;
  const consent = { ...request.consent, failedOnly: may === "failed-only" };
  const tools = { ...deps, engine, record, run: request.run };
  return record.step("prune images", () => prune(request.job, own, consent, tools, signal));
}
