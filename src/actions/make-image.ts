import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import { type ImageOwner, imageNameOf, isBroken, isOwnImage, mostNames } from "../core/image-due.ts";
import type { FoundImage, ImageEngine, ImageOrder } from "../core/image-ports.ts";
import type { Waits } from "../core/job.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { Clock, Log } from "../core/ports.ts";
import { pauseAfter } from "./backup.ts";
import type { Recorder } from "./steps.ts";

export interface MakeImageDeps {
  readonly engine: Pick<ImageEngine, "make" | "named">;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: Recorder;
}

/** An image that is there now, and the point that it is. */
export interface MadeImage {
  readonly image: string;
  readonly point: string;
}

/** What is the same for every name that is tried. */
export interface Wanted {
  readonly owner: ImageOwner;
  readonly order: Omit<ImageOrder, "name" | "captured">;
  readonly waits: Waits;
}

/**
 * Makes the image of a period. CreateImage knows no token, but EC2 has one image of a name: so a request whose answer
 * was lost is sent again, and where its name is taken it is found out by what. Only a name that something else has, or an
 * image that has failed, leads to another one; while that cannot be seen, none is made.
 */
export async function makeImage(
  wanted: Wanted,
  deps: MakeImageDeps,
  signal: AbortSignal,
): Promise<MadeImage> {
  const { owner, order, waits } = wanted;
  const { engine, clock, log } = deps;
  const until = clock.elapsed() + waits.retryFor;
  let failures = 0;
  for (let nth = 1; nth <= mostNames; ) {
    if (signal.aborted) throw interrupted("make an image");
    const name = imageNameOf(owner, order.period, nth);
    try {
      const image = await engine.make({ ...order, name, captured: clock.now() }, signal);
      return { image, point: order.pointId };
    } catch (error) {
      const failure = failureOf(error, "make an image");
      if (failure.code === "InvalidAMIName.Duplicate") {
        const found = await judge(name, wanted, deps, signal);
        if (found !== undefined) return found;
        nth += 1;
        continue;
      }
      const pause = pauseAfter(failures + 1, waits, clock);
      const passing = failure.kind === "throttled" || failure.kind === "unknown-outcome";
      if (!passing || clock.elapsed() + pause > until) throw failed(failure);
      failures += 1;
      log("warn", `the image was not made (${failure.code}), trying again in ${Math.round(pause / 1000)} s`, {
        point: order.pointId,
      });
      await clock.sleep(pause, signal);
    }
  }
  throw new BackupError({
    kind: "refused",
    doing: `make the image of ${order.period}`,
    found: `${mostNames} names for it are taken by images that failed or are not of this job`,
    remedy: "see what became of those images; the next run tries again",
  });
}

/** What has the name: the image of this period, or nothing that could stand for it. */
async function judge(
  name: string,
  { owner, order, waits }: Wanted,
  deps: MakeImageDeps,
  signal: AbortSignal,
): Promise<MadeImage | undefined> {
  const holder = await holderOf(name, owner, waits, deps, signal);
  const { id, tags, state } = holder;
  if (!isOwnImage(holder, owner) || tags[tagKeys.image] !== order.period) {
    deps.record.report("warning", nameTaken(name, id));
    return undefined;
  }
  return isBroken(state) ? undefined : { image: id, point: tags[tagKeys.point] ?? "" };
}

/** The image that has the name, which EC2 may show only after a while, and its tags later still. */
async function holderOf(
  name: string,
  owner: ImageOwner,
  waits: Waits,
  { engine, clock }: MakeImageDeps,
  signal: AbortSignal,
): Promise<FoundImage> {
  const until = clock.elapsed() + waits.reconcileFor;
  let seen: FoundImage | undefined;
  let trouble = "";
  for (let pause = waits.reconcileEvery; ; pause = Math.min(pause * 1.5, 30_000)) {
    try {
      const [found] = await engine.named(name, signal);
      seen = found ?? seen;
      const untagged = seen?.source === owner.instanceId && seen.tags[tagKeys.point] === undefined;
      if (seen !== undefined && !untagged) return seen;
    } catch (error) {
      const failure = failureOf(error, "look");
      if (failure.kind === "denied") throw failed(failure);
      trouble = `; the last look failed: ${failure.found}`;
    }
    if (signal.aborted) throw interrupted("find out which image has the name");
    if (clock.elapsed() + pause > until) break;
    await clock.sleep(pause, signal);
  }
  if (seen !== undefined) return seen;
  throw new BackupError({
    kind: "unreachable",
    doing: `make the image ${name}`,
    found: `its name is taken, and no image of it was seen within ${waits.reconcileFor / 1000} s${trouble}`,
    remedy: "none was made, since it may be the one of an earlier request; the next run looks again",
    code: "UnknownOutcome",
  });
}

function failed(failure: Failure): BackupError {
  const { kind, doing, found, code } = failure;
  const remedy =
    kind === "denied"
      ? "the regular point is good; images need the policy policies/image.json beside the one of the role"
      : "the regular point is good; the next run of the period tries again";
  return new BackupError({ kind, doing, found, remedy, ...(code === undefined ? {} : { code }) });
}

function nameTaken(name: string, image: string): Failure {
  return {
    kind: "refused",
    doing: `make the image ${name}`,
    found: `${image} has that name and was not made by this job`,
    remedy: "the image gets a name with a number behind it",
    code: "NameTaken",
  };
}
