/** What the file says of a last capture. Durations are in milliseconds. */
export interface TerminationSettings {
  /** Absent = where a notice can come at all. */
  readonly capture?: boolean;
  readonly every: number;
  readonly budget: number;
  /** In the order of the file; none = every job that captures volumes. */
  readonly jobs: readonly string[];
}

/** Who can tell an instance that it is to end. */
export type NoticeSource = "spot" | "autoscaling";

/** What the daemon is to look at, as data that one process hands to another. */
export interface TerminationWatch {
  /** Where the metadata service is. */
  readonly endpoint: string;
  readonly sources: readonly NoticeSource[];
  readonly every: number;
  readonly budget: number;
}

/** A notice that this instance is to end. */
export interface Notice {
  readonly source: NoticeSource;
  /** `terminate`, `stop` or `hibernate` of spot; the state that Auto Scaling brings the instance to. */
  readonly action: string;
  /** When, as far as it is told; ISO 8601. */
  readonly time?: string;
}

/** The tag of points that were made on a notice, whose value is the notice. */
export const terminationTag = "ec2-backup:termination";

/** Its value for a run that a person or a program has asked for by `run --last`. */
export const asked = "asked for";

/** A notice in a line, of characters that tags may have; the same notice always reads the same. */
export function formatNotice({ source, action, time }: Notice): string {
  return [source, action, time].filter((word) => word !== undefined).join(" ");
}

/**
 * Whether there is something to capture for, and time. A hibernation begins with its notice, and what a host that
 * falls asleep holds still stays so: its volumes stay, and so does what was in memory.
 */
export function callsForCapture({ source, action }: Notice): boolean {
  return source === "autoscaling" || action !== "hibernate";
}

/** The notice in the text of `spot/instance-action`. @throws what is said of a text that is none */
export function spotNotice(text: string): Notice {
  const { action, time } = partsOf(text);
  if (action !== "terminate" && action !== "stop" && action !== "hibernate")
    throw new Error(`spot/instance-action is no notice (it begins ${JSON.stringify(text.slice(0, 40))})`);
  const at = typeof time === "string" ? new Date(time) : undefined;
  const known = at !== undefined && !Number.isNaN(at.getTime());
  return { source: "spot", action, ...(known ? { time: `${at.toISOString().slice(0, 19)}Z` } : {}) };
}

function partsOf(text: string): { readonly action?: unknown; readonly time?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** The notice in `autoscaling/target-lifecycle-state`, if that state is an end. */
export function groupNotice(state: string): Notice | undefined {
  const action = state.trim();
  if (action !== "Terminated" && action !== "Warmed:Terminated") return undefined;
  return { source: "autoscaling", action };
}
