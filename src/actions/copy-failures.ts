import type { BadCopy } from "../core/copies.ts";
import type { CopyTarget } from "../core/copy-target.ts";
import { BackupError, type Failure } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Sent } from "./copy-send.ts";

const day = 86_400_000;

/** Why nothing is copied into the Region that is backed up. */
export function ownRegion({ name }: Pick<Job, "name">, { region }: CopyTarget): Failure {
  return {
    kind: "configuration",
    doing: `copy points of job ${name} to ${region}`,
    found: "that is the Region they are in",
    remedy: "name another Region: a copy beside its source, whatever its key, is lost with it",
    code: "OwnRegion",
  };
}

/** The failure with the Region it happened in; what ended by the Region's own limit is said as that. */
export function inRegion(failure: Failure, { region }: CopyTarget, limit: AbortSignal): BackupError {
  const timedOut = failure.kind === "interrupted" && isTimeout(limit);
  const { kind, doing, found, remedy, code } = failure;
  return new BackupError({
    kind: timedOut ? "unreachable" : kind,
    doing: doing.includes(region) ? doing : `${doing} in ${region}`,
    found: timedOut ? "it took longer than a run waits for one Region" : found,
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  });
}

function isTimeout({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof DOMException && reason.name === "TimeoutError";
}

/** Copies that could not be begun: what is the same for several is told once. */
export function notSent({ failures }: Sent, { name }: Job, { region }: CopyTarget): Failure[] {
  const by = Map.groupBy(failures, ({ failure: { kind, code = "" } }) => `${kind} ${code}`);
  return [...by.values()].map((same) => {
    const [first] = same;
    const { kind = "unexpected", found = "", code, remedy } = first?.failure ?? {};
    const denied =
      "allow ec2:CopySnapshot, and with a key its use (ec2-backup policy copy), or take `copy` out of the job";
    return {
      kind,
      doing: `copy ${same.map(({ order }) => order.source.id).join(", ")} of job ${name} to ${region}`,
      found,
      remedy: kind === "denied" ? denied : (remedy ?? "the point is kept here; the next run tries again"),
      ...(code === undefined ? {} : { code }),
    };
  });
}

/** What EC2 tells of copies only when it has worked on them for a while. */
export function failedCopies(
  bad: readonly BadCopy[],
  { name }: Job,
  { region, kmsKeyId }: CopyTarget,
): Failure {
  const [first] = bad;
  const what = [...new Set(bad.map(({ copy }) => copy.stateMessage ?? "EC2 says no reason"))].join("; ");
  const key = kmsKeyId === undefined ? "the keys of the volumes and of EBS there" : `the key ${kmsKeyId}`;
  const again =
    first?.retryAt === undefined
      ? "they are tried again now"
      : `the next try is after ${first.retryAt.toISOString()}`;
  return {
    kind: "refused",
    doing: `copy ${bad.map(({ source }) => source).join(", ")} of job ${name} to ${region}`,
    found: `EC2 began and could not complete it: ${what}`,
    remedy: `check that the role may use ${key} (ec2-backup policy copy) and that it is enabled; ${again}`,
    code: "CopyFailed",
  };
}

/** Points there are aged by that Region's clock, which cannot differ from this one's. */
export function clockApart(
  here: Date,
  there: Date,
  { name }: Job,
  { region }: CopyTarget,
): Failure | undefined {
  const apart = Math.abs(here.getTime() - there.getTime());
  if (apart <= day) return undefined;
  return {
    kind: "unexpected",
    doing: `judge the age of the copies of job ${name} in ${region}`,
    found: `EC2 dates the listing there ${there.toISOString()}, and the one here ${here.toISOString()}`,
    remedy: "no copy is removed; find out what stands between this host and AWS and changes dates",
    code: "DubiousClock",
  };
}
