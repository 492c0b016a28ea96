import type { RecoveryPoint } from "../core/recovery-point.ts";
import { newestFirst } from "../core/retention.ts";
import { replacesTag } from "../core/root-tag.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import { failed } from "./settle.ts";
import type { Recorder } from "./steps.ts";

/** Looks at the whole series for what nobody else would notice. */
export function inspect(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  unfinished: string | undefined,
): void {
  const { points, images = [], asOf } = found.listing ?? { points: [], asOf: deps.clock.now() };
  const own = new Set(found.points.map((point) => point.id));
  for (const point of [...points, ...images]) {
    // A run that waited has told of its own.
    if (point.state === "failed" && !(own.has(point.id) && request.wait))
      record.report("error", failed(point, `complete point ${point.id}`));
    const mixed = point.holds.find((hold) => hold.by === "mixed");
    if (mixed !== undefined) record.report("warning", mixture(point, mixed.detail));
    if (point.policy === "unreadable") record.report("warning", unreadablePolicy(point));
  }
  if (unfinished !== undefined) {
    const adopted = points.some((point) => point.id === unfinished);
    record.report("warning", endedEarly(unfinished, adopted));
  }
  const skew = Math.abs(deps.clock.now().getTime() - asOf.getTime());
  if (skew > 300_000) record.report("warning", skewed(skew));
  if (request.capture) reportLostVolumes(request, record, found, points, own);
}

function mixture(point: RecoveryPoint, found: string) {
  return {
    kind: "unexpected" as const,
    doing: `judge point ${point.id}`,
    found,
    remedy:
      "it counts as no point and is never removed; take the tag from the snapshots that do not belong to it",
    code: "MixedPoint",
  };
}

function unreadablePolicy(point: RecoveryPoint) {
  return {
    kind: "unexpected" as const,
    doing: `read the policy recorded on point ${point.id}`,
    found: "its tag ec2-backup:retention is not understood",
    remedy:
      "nothing is removed while such a point is recent; was the tag edited, or written by a later version?",
  };
}

function endedEarly(point: string, adopted: boolean) {
  return {
    kind: "unexpected" as const,
    doing: "finish the run before this one",
    found: `it ended without a report; its point ${point} ${adopted ? "was made and is adopted" : "is not there"}`,
  };
}

function skewed(ms: number) {
  return {
    kind: "unexpected" as const,
    doing: "compare the clocks",
    found: `this host's clock and EC2's differ by ${Math.round(ms / 1000)} s`,
    remedy: "retention goes by EC2's clock; set this host's with chrony or the Amazon Time Sync Service",
    code: "ClockSkew",
  };
}

/** A volume that the last point had and this selection lacks must not vanish in silence. */
function reportLostVolumes(
  { job }: RunRequest,
  record: Recorder,
  { selected, points: made }: Findings,
  points: readonly RecoveryPoint[],
  own: ReadonlySet<string>,
): void {
  const earlier = points.filter((point) => !own.has(point.id) && point.state !== "failed");
  const last = earlier.sort(newestFirst)[0];
  // What was captured although it was left out is not lost.
  const chosen = new Set([
    ...selected.chosen.map(({ volume }) => volume.id),
    ...made.flatMap((point) => point.snapshots.map((one) => one.volumeId)),
  ]);
  const volumes = new Set(last?.snapshots.map((one) => one.volumeId));
  for (const volume of volumes) {
    if (chosen.has(volume)) continue;
    const heir = selected.chosen.find((one) => one.volume.tags[replacesTag]?.startsWith(`${volume} `));
    if (heir !== undefined) {
      const found = `${heir.volume.id} took its place (ec2-backup restore replace)`;
      const doing = `keep protecting ${volume} in job ${job.name}`;
      record.report("notice", { kind: "not-found", doing, found, code: "VolumeReplaced" });
      continue;
    }
    const left = selected.left.find((choice) => choice.volume.id === volume);
    record.report("error", {
      kind: "unexpected",
      doing: `keep protecting ${volume} in job ${job.name}`,
      found:
        left === undefined
          ? "the last point had it and it is no longer attached"
          : `the last point had it and it is left out: ${left.because}`,
      remedy: `said once; its newest point is kept until \`ec2-backup forget ${volume}\``,
      code: "VolumeLost",
    });
  }
}
