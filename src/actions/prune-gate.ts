import type { Failure } from "../core/errors.ts";
import type { Clock, Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { newestFirst } from "../core/retention.ts";
import type { RunRequest } from "./run-request.ts";

/** What may be removed in a run: by the plan, failed sets only, or nothing. */
export interface Gate {
  readonly may: "plan" | "failed-only" | "nothing";
  readonly because?: Failure;
}

const minute = 60_000;
const day = 1_440 * minute;

/**
 * Removing old points is right only while new ones are made and while it is known what time it is. A
 * person who says `--yes` to a prune has looked.
 */
export function gateOf(
  request: Pick<RunRequest, "capture" | "consent">,
  listing: Listing,
  made: readonly RecoveryPoint[],
  clock: Clock,
): Gate {
  const wrongTime = request.capture
    ? aheadOfCapture(listing, made, clock)
    : farFromHost(request, listing, clock);
  if (wrongTime !== undefined) return { may: "nothing", because: wrongTime };
  if (made.some((point) => point.state === "failed")) return { may: "failed-only" };
  if (request.consent.yes === true) return { may: "plan" };
  const own = new Set(made.map((point) => point.id));
  const [last] = listing.points
    .filter((point) => !own.has(point.id) && point.state !== "pending")
    .sort(newestFirst);
  if (last === undefined || last.state === "complete") return { may: "plan" };
  return { may: "failed-only" };
}

/**
 * EC2 dated the snapshots that this run made. A listing that claims to be much later than the time that
 * has passed since was dated by something else, such as a proxy, and would age every point.
 */
function aheadOfCapture(
  { asOf }: Listing,
  made: readonly RecoveryPoint[],
  clock: Clock,
): Failure | undefined {
  const newest = Math.max(...made.map((point) => point.captured.getTime()));
  if (made.length === 0) return undefined;
  const ahead = asOf.getTime() - newest;
  // A run takes no longer than its waits; a day is beyond all but the longest settling.
  if (ahead <= clock.elapsed() + 5 * minute) return undefined;
  return dubious(
    `the listing is dated ${asOf.toISOString()}, ${Math.round(ahead / minute)} min after the capture`,
  );
}

function farFromHost(
  { consent }: Pick<RunRequest, "consent">,
  { asOf }: Listing,
  clock: Clock,
): Failure | undefined {
  const apart = Math.abs(asOf.getTime() - clock.now().getTime());
  if (consent.yes === true || apart <= day) return undefined;
  return dubious(
    `EC2 dates the listing ${asOf.toISOString()}, and this host disagrees by ${Math.round(apart / day)} d`,
  );
}

function dubious(found: string): Failure {
  return {
    kind: "unexpected",
    doing: "judge the age of points",
    found,
    remedy: "nothing is removed; find out which clock is wrong, or let `ec2-backup prune --yes` go by EC2's",
    code: "DubiousClock",
  };
}
