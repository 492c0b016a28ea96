import type { Call } from "../../src/simulator/call-log.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import type { Strike } from "./freeze-round.ts";

/** How long EC2 takes for a capture, so that there is time to be hit in. Milliseconds. */
export const captureTakes = 300;

/** What can befall a run that holds still: a signal, a fault of the API, or a log that takes nothing more. */
export interface Blow {
  readonly name: string;
  readonly strike?: Strike | "end agent";
  readonly fault?: Fault;
  readonly fullLog?: true;
}

const capture = { action: "CreateSnapshots", dryRun: false } as const;

export const blows: readonly Blow[] = [
  { name: "kill agent", strike: "kill agent" },
  { name: "kill guard", strike: "kill guard" },
  { name: "stop agent", strike: "stop agent" },
  { name: "kill all", strike: "kill all" },
  { name: "kill agent and guard", strike: "kill agent and guard" },
  { name: "end agent", strike: "end agent" },
  { name: "the capture hangs", fault: { kind: "hang", ...capture } },
  { name: "the rehearsal hangs", fault: { kind: "hang", action: "CreateSnapshots", dryRun: true } },
  { name: "warming hangs before the lock", fault: { kind: "hang", action: "DescribeVolumes", skip: 1 } },
  { name: "warming hangs under the lock", fault: { kind: "hang", action: "DescribeVolumes", skip: 2 } },
  { name: "the capture is cut off before", fault: { kind: "reset-before", ...capture } },
  { name: "the capture is cut off after", fault: { kind: "reset-after", ...capture } },
  { name: "the log is full", fullLog: true },
];

/** A step of a run, told by the calls that are seen of it, and over how long after that it is hit. */
export interface Moment {
  readonly name: string;
  readonly isThere: (calls: readonly Call[]) => boolean;
  /** Milliseconds. */
  readonly within: number;
}

function seen(action: string, count = 1, dryRun?: boolean): Moment["isThere"] {
  const isIt = (call: Call): boolean =>
    call.action === action &&
    (dryRun === undefined || dryRun === ((call.parameters as { DryRun?: boolean } | null)?.DryRun ?? false));
  return (calls) => calls.filter(isIt).length >= count;
}

const captured: Moment = {
  name: "the capture",
  isThere: seen("CreateSnapshots", 1, false),
  within: captureTakes,
};
const freezing: Moment = {
  name: "warming under the lock",
  isThere: seen("DescribeVolumes", 3),
  within: 120,
};

/** Those in which much stands still more than once. */
export const moments: readonly Moment[] = [
  { name: "the start", isThere: () => true, within: 300 },
  { name: "discovery", isThere: seen("DescribeVolumes"), within: 150 },
  { name: "the rehearsal", isThere: seen("CreateSnapshots", 1, true), within: 30 },
  { name: "warming before the lock", isThere: seen("DescribeVolumes", 2), within: 80 },
  freezing,
  freezing,
  captured,
  captured,
  captured,
  { name: "marking", isThere: seen("CreateTags"), within: 15 },
  { name: "listing", isThere: seen("DescribeSnapshots"), within: 30 },
];
