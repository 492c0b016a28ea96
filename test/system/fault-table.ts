import type { Call } from "../../src/simulator/call-log.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { matchesPattern } from "../../src/simulator/wildcards.ts";

/** The calls of a run, as the simulator's faults name them. */
export const targets = {
  "metadata token": { service: "imds", action: "/latest/api/token" },
  "identity document": { service: "imds", action: "*/document" },
  partition: { service: "imds", action: "*/services/partition" },
  "block-device mapping": { service: "imds", action: "*/block-device-mapping/" },
  "user data": { service: "imds", action: "/latest/user-data" },
  credentials: { service: "imds", action: "*/security-credentials/*" },
  DescribeInstances: { action: "DescribeInstances" },
  DescribeVolumes: { action: "DescribeVolumes" },
  CreateSnapshots: { action: "CreateSnapshots" },
  DescribeSnapshots: { action: "DescribeSnapshots" },
  DescribeImages: { action: "DescribeImages" },
  DescribeLockedSnapshots: { action: "DescribeLockedSnapshots" },
  DeleteSnapshot: { action: "DeleteSnapshot" },
  PutMetricData: { action: "PutMetricData" },
} as const satisfies Record<string, Partial<Fault>>;

export type Target = keyof typeof targets;

/** What the table calls a call; its action where it has no row. */
export function targetOf({ service, action }: Pick<Call, "service" | "action">): string {
  const rows = Object.entries<Partial<Fault>>(targets);
  const [name] =
    rows.find(
      ([, target]) =>
        (target.service === "imds") === (service === "imds") && matchesPattern(target.action ?? "", action),
    ) ?? [];
  return name ?? action;
}

const notFound = (code: string): Fault => ({ kind: "error", status: 400, code, message: "does not exist" });

/** What can go wrong, by the name it has in the table. */
export const faults = {
  throttle: { kind: "throttle" },
  "500": { kind: "500" },
  "reset before": { kind: "reset-before" },
  "reset after": { kind: "reset-after" },
  hang: { kind: "hang" },
  "hang after": { kind: "hang-after" },
  slow: { kind: "delay", ms: 200 },
  malformed: { kind: "malformed" },
  "cut off": { kind: "truncated" },
  expired: { kind: "expired" },
  denied: { kind: "denied" },
  "not found": notFound("InvalidSnapshot.NotFound"),
  "no such category": { kind: "error", status: 404 },
  "instance not found": notFound("InvalidInstanceID.NotFound"),
  "volume not found": notFound("InvalidVolume.NotFound"),
  incomplete: { kind: "partial-listing", items: 3 },
  "short pages": { kind: "short-page", items: 1 },
  "later error": { kind: "partial" },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** Exit codes of the run with the fault: hit once, and hit by it at every such call. */
type Codes = readonly [once: number, always: number];

/** Asked again by the SDK or by us, and 69 if nobody ever answers: nothing was done. */
const unlessAlways = [0, 69] as const;
/** The same after the capture: something was done. */
const partlyIfAlways = [0, 1] as const;
const fine = [0, 0] as const;
const partly = [1, 1] as const;
const unreachable = [69, 69] as const;
const denied = [77, 77] as const;
const nothing = [2, 2] as const;

const metadata = {
  throttle: unlessAlways,
  "500": unlessAlways,
  "reset before": unlessAlways,
  hang: unlessAlways,
  slow: fine,
  "cut off": unlessAlways,
  // Something else than the metadata service answers: asking it again makes it no truer.
  malformed: unreachable,
} as const;

const beforeCapture = {
  throttle: unlessAlways,
  "500": unlessAlways,
  "reset before": unlessAlways,
  "reset after": unlessAlways,
  hang: unlessAlways,
  slow: fine,
  malformed: unreachable,
  "cut off": unlessAlways,
  expired: denied,
  denied,
} as const;

const afterCapture = {
  throttle: partlyIfAlways,
  "500": partlyIfAlways,
  "reset before": partlyIfAlways,
  "reset after": partlyIfAlways,
  hang: partlyIfAlways,
  slow: fine,
  malformed: partly,
  "cut off": partlyIfAlways,
  expired: partly,
  denied: partly,
  "not found": partly,
} as const;

/** No row lacks what can befall every call of its service. */
type Row<T extends Target> = Partial<Record<FaultName, Codes>> &
  Record<
    (typeof targets)[T] extends { service: "imds" } ? keyof typeof metadata : keyof typeof beforeCapture,
    Codes
  >;

/** For each call and each fault the exit code that the contract asks for. */
export const table: { readonly [T in Target]: Row<T> } = {
  "metadata token": { ...metadata, denied: unlessAlways },
  "identity document": { ...metadata, denied: unreachable },
  // Where the category is missing, the Region's name tells it.
  partition: { ...metadata, denied: unreachable, "no such category": fine },
  // Only what is named like an instance store is taken for one.
  "block-device mapping": { ...metadata, malformed: fine, denied: unreachable, "no such category": fine },
  // A point does without it.
  "user data": {
    throttle: fine,
    "500": fine,
    "reset before": fine,
    hang: fine,
    slow: fine,
    "cut off": fine,
    malformed: fine,
    denied: fine,
    "no such category": fine,
  },
  // Another try gets others, also after an answer that was no JSON or named expired ones.
  credentials: { ...metadata, malformed: unlessAlways, denied: unlessAlways, expired: [0, 77] },
  DescribeInstances: { ...beforeCapture, "instance not found": nothing },
  DescribeVolumes: { ...beforeCapture, "volume not found": nothing, "short pages": fine },
  CreateSnapshots: {
    // Refused without effect, and sent again inside the budget.
    throttle: unlessAlways,
    // May have taken effect: never sent again, and looked for instead.
    "500": unreachable,
    "reset before": unreachable,
    hang: unreachable,
    "reset after": fine,
    "hang after": fine,
    malformed: fine,
    "cut off": fine,
    slow: fine,
    expired: denied,
    denied,
    "instance not found": nothing,
    "volume not found": nothing,
    // The next run tells it.
    "later error": fine,
  },
  DescribeSnapshots: { ...afterCapture, incomplete: fine, "short pages": fine },
  // An image that is not listed yet still keeps its snapshot: EC2 refuses the deletion.
  DescribeImages: { ...afterCapture, incomplete: fine },
  // Many roles may not ask, and a snapshot may have gone meanwhile: EC2 refuses to remove what is locked.
  DescribeLockedSnapshots: { ...afterCapture, expired: fine, denied: fine, "not found": fine },
  DeleteSnapshot: {
    ...afterCapture,
    // What is gone is what was wanted, and so it is after a second try.
    "not found": fine,
    "cut off": fine,
  },
  PutMetricData: {
    throttle: fine,
    "500": fine,
    "reset before": fine,
    "reset after": fine,
    hang: fine,
    slow: fine,
    malformed: fine,
    "cut off": fine,
    expired: fine,
    denied: fine,
  },
};
