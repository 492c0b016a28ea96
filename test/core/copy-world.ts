import { type CopyPlan, planCopies } from "../../src/core/copies.ts";
import { tagsOfCopy } from "../../src/core/copy-tags.ts";
import type { CopyTarget } from "../../src/core/copy-target.ts";
import { pointsOf, tagKeys } from "../../src/core/point-tags.ts";
import type { RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { formatPolicy, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { instance, series, snapshot } from "./points.ts";

/** Ids as EC2 gives them, by a number. */
export const snapId = (number: number) => `snap-${number.toString(16).padStart(17, "0")}`;
const volId = (number: number) => `vol-${number.toString(16).padStart(17, "0")}`;

/** A point as its own Region lists it. */
export function pointHere(
  number: number,
  captured: Date,
  policy: RetentionPolicy,
  {
    volumes = 1,
    state = "completed",
    tags = {},
  }: { volumes?: number; state?: Snapshot["state"]; tags?: object } = {},
): RecoveryPoint {
  const id = `0193a1b2-c3d4-7000-8000-${number.toString(16).padStart(12, "0")}`;
  const members = Array.from({ length: volumes }, (_, index) =>
    snapshot({
      id: snapId(number * 200 + index),
      volumeId: volId(index + 1),
      state,
      startTime: captured,
      tags: {
        [tagKeys.point]: id,
        [tagKeys.run]: id,
        [tagKeys.job]: "default",
        [tagKeys.series]: series,
        [tagKeys.instance]: instance.arn,
        // The host's clock, which may be wrong; nothing goes by it.
        [tagKeys.captured]: "2001-01-01T00:00:00.000Z",
        [tagKeys.retention]: formatPolicy(policy),
        [`${tagKeys.manifest}1`]: Array.from({ length: volumes }, (_, one) => volId(one + 1)).join(" "),
        ...tags,
      },
    }),
  );
  const [point] = pointsOf(members, captured);
  if (point === undefined) throw new Error("no point");
  return point;
}

/** Another Region, as far as copies go: what is begun completes or fails when it is told to. */
export class CopyWorld {
  there: Snapshot[] = [];
  readonly target: CopyTarget;
  readonly policy: RetentionPolicy;
  #next = 1_000_000;

  constructor(policy: RetentionPolicy, target: CopyTarget = { region: "eu-west-1", retention: policy }) {
    this.policy = policy;
    this.target = target;
  }

  plan(here: readonly RecoveryPoint[], now: Date, others = 0): CopyPlan {
    const running = this.there.filter(({ state }) => state === "pending").length + others;
    return planCopies({ here, there: this.there, policy: this.policy, now, running });
  }

  /** Begins what the plan says; what it replaces goes. */
  begin(plan: Pick<CopyPlan, "copy">, now: Date): void {
    for (const { point, source, attempt, replaces } of plan.copy) {
      const birth = {
        point,
        source,
        from: "eu-central-1",
        target: this.target,
        policy: this.policy,
        attempt,
      };
      const { tags } = tagsOfCopy(birth);
      this.#next += 1;
      const id = snapId(this.#next);
      this.there.push(snapshot({ id, volumeId: "vol-ffffffff", state: "pending", startTime: now, tags }));
      this.remove(replaces);
    }
  }

  /** All that is under way ends so. */
  settle(how: (copy: Snapshot) => Snapshot["state"] = () => "completed"): void {
    this.there = this.there.map((one) => (one.state === "pending" ? { ...one, state: how(one) } : one));
  }

  clear({ clear }: Pick<CopyPlan, "clear">): void {
    this.remove(clear.map(({ copy }) => copy));
  }

  /** What retention gives up there, without the brake, which only ever leaves more. */
  prune(plan: Pick<CopyPlan, "points">, now: Date): readonly RecoveryPoint[] {
    const { remove } = planRetention(plan.points, this.policy, now);
    this.remove(remove.flatMap(({ snapshots }) => snapshots));
    return remove;
  }

  remove(gone: readonly Snapshot[]): void {
    const ids = new Set(gone.map(({ id }) => id));
    this.there = this.there.filter(({ id }) => !ids.has(id));
  }
}
