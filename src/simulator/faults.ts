import { type Check, either, flag, list, number, object, oneOf, text } from "./check.ts";
import { randomStream } from "./random.ts";
import type { ServiceName } from "./service-name.ts";
import { matchesPattern } from "./wildcards.ts";

/**
 * What can go wrong with a call.
 *
 * Before it has any effect: `throttle`, `500`, `503`, `expired`, `denied`, `error` (code, status, message), `reset-before`,
 * `hang`, `delay` (ms; then it goes on). After it has been executed: `reset-after`, `hang-after`, `malformed`, `truncated`.
 * While it is executed: `partial` (what the call has begun fails some time later: a set of snapshots turns to `error`, a volume
 * to `error` or is gone, an image is `failed`, an instance does not start, a replacement of a root volume ends `failed` or as
 * `code` says; AttachVolume never gets beyond `attaching`, DetachVolume not beyond `busy`), `invisible` (what is created stays unseen
 * for so many seconds), `partial-listing` (the newest things are missing), `short-page` (few things, and a next page).
 */
const faultKinds = [
  "throttle",
  "500",
  "503",
  "expired",
  "denied",
  "error",
  "reset-before",
  "hang",
  "delay",
  "reset-after",
  "hang-after",
  "malformed",
  "truncated",
  "partial",
  "invisible",
  "partial-listing",
  "short-page",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** A fault to be injected: which calls, how often, and what happens. */
export interface Fault {
  kind: FaultKind;
  /** Default: every service but the metadata service. */
  service?: ServiceName;
  /** Action or, for `imds`, path; `*` and `?` are wildcards. Default: all. */
  action?: string;
  /** Only calls of this account, and only those to this Region. Default: all. */
  account?: string;
  region?: string;
  /** Only calls with (true) or without (false) DryRun. */
  dryRun?: boolean;
  /** The Nth matching call from now, counted from 1; the same as `skip: N - 1, count: 1`. */
  index?: number;
  /** How many matching calls pass first. */
  skip?: number;
  /** How many calls are hit; default 1, or `always` when there is a rate. */
  count?: number | "always";
  /** The chance of each matching call to be hit, from 0 to 1. */
  rate?: number;
  /** Makes the chance repeatable. Default 1. */
  seed?: number;
  /** `delay`: how long. */
  ms?: number;
  /** `invisible`: how long. `partial`: until it fails (default: half of the settle time). */
  seconds?: number;
  /** `error`. */
  code?: string;
  status?: number;
  message?: string;
  /** `partial`: the member that fails first; default the first one. */
  volume?: string;
  /** `partial-listing`: how many things are missing (default 1). `short-page`: how many are shown (default 0). */
  items?: number;
}

/** The form of a list of faults. */
export const faultsCheck: Check = list(
  object(
    {
      kind: oneOf(...faultKinds),
      service: oneOf("ec2", "cloudwatch", "sts", "sns", "kms", "ssm", "ebs", "servicequotas", "imds"),
      action: text(),
      account: text(),
      region: text(),
      dryRun: flag,
      index: number({ min: 1, integer: true }),
      skip: number({ min: 0, integer: true }),
      count: either(oneOf("always"), number({ min: 1, integer: true })),
      rate: number({ min: 0, max: 1 }),
      seed: number({ min: 0, integer: true }),
      ms: number({ min: 0 }),
      seconds: number({ min: 0 }),
      code: text(),
      status: number({ min: 400, max: 599, integer: true }),
      message: text(),
      volume: text(),
      items: number({ min: 0, integer: true }),
    },
    ["kind"],
  ),
);

/** What is known of a call when faults are chosen for it. */
interface FaultTarget {
  service: ServiceName;
  action: string;
  account: string | null;
  region: string | null;
  dryRun: boolean;
}

interface Armed {
  fault: Fault;
  skip: number;
  left: number;
  chance: () => number;
}

/** The faults in force. */
export interface FaultPlan {
  /** Adds faults, or puts them in the place of all others. */
  arm(faults: readonly Fault[], replace: boolean): void;
  clear(): void;
  /** The faults that hit this call, in the order in which they were armed. Counts the call. */
  strike(target: FaultTarget): Fault[];
  /** What is still to come: each fault with the number of hits left, null for always. */
  pending(): { fault: Fault; left: number | null }[];
}

/** No faults yet. */
export function createFaultPlan(): FaultPlan {
  let armed: Armed[] = [];
  return {
    arm(faults, replace) {
      armed = [...(replace ? [] : armed), ...faults.map(prime)];
    },
    clear() {
      armed = [];
    },
    strike(target) {
      const hits = armed
        .filter((each) => concerns(each.fault, target) && fires(each))
        .map((each) => each.fault);
      armed = armed.filter((each) => each.left > 0);
      return hits;
    },
    pending: () => armed.map(({ fault, left }) => ({ fault, left: Number.isFinite(left) ? left : null })),
  };
}

function prime(fault: Fault): Armed {
  const count = fault.index !== undefined ? 1 : (fault.count ?? (fault.rate === undefined ? 1 : "always"));
  return {
    fault,
    skip: fault.index !== undefined ? fault.index - 1 : (fault.skip ?? 0),
    left: count === "always" ? Number.POSITIVE_INFINITY : count,
    chance: randomStream(fault.seed ?? 1),
  };
}

function concerns(fault: Fault, target: FaultTarget): boolean {
  if (fault.service === undefined ? target.service === "imds" : fault.service !== target.service)
    return false;
  if (fault.account !== undefined && fault.account !== target.account) return false;
  if (fault.region !== undefined && fault.region !== target.region) return false;
  if (fault.dryRun !== undefined && fault.dryRun !== target.dryRun) return false;
  return fault.action === undefined || matchesPattern(fault.action, target.action);
}

function fires(armed: Armed): boolean {
  if (armed.skip > 0) {
    armed.skip -= 1;
    return false;
  }
  if (armed.fault.rate !== undefined && armed.chance() >= armed.fault.rate) return false;
  armed.left -= 1;
  return true;
}
