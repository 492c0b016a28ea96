/** What becomes of a VSS backup that Run Command is asked for. */
export const vssOutcomes = [
  "success",
  /** As a success, but the last volume has no snapshot. */
  "success-in-part",
  "failure",
  "failure-after-snapshots",
  "failure-in-part",
  "hang",
] as const;

/** How Systems Manager finds the instances. */
export interface SsmOptions {
  /** Whether their agents are registered; without, SendCommand answers InvalidInstanceId. Default true. */
  agent: boolean;
  /** Default `success`. */
  vss: (typeof vssOutcomes)[number];
  /** Seconds of simulated time that the backup takes. Default 0. */
  seconds: number;
  /** Of the Parameter Store, by name: also the public ones, such as those that name AMIs. Default: none. */
  parameters: Record<string, string>;
}

/** One command that was sent to one instance. Times are simulated milliseconds. */
export interface SsmCommand {
  id: string;
  instance: string;
  document: string;
  parameters: Record<string, string[]>;
  endsAt: number | null;
  ends: "Success" | "Failed";
  said: string;
}

/**
 * The tags that the documents of VSS take: `Key=a,Value=b;Key=c,Value=d`, of letters, digits and `() ./\-"'@_+:={}`
 * (EC2 user guide, "Systems Manager VSS snapshot documents"). Undefined for what they do not take.
 */
export function vssTags(text: string): Record<string, string> | undefined {
  const tags: Record<string, string> = {};
  for (const one of text.split(";").filter((part) => part !== "")) {
    const [, key = "", value = ""] = /^Key=([^,;]*),Value=([^,;]*)$/.exec(one) ?? [];
    if (key === "" || !/^[\w() ./\\\-"'@+:={}]*$/.test(key + value)) return undefined;
    if (["Device", "AppConsistent", "AwsVssConfig"].includes(key)) return undefined;
    tags[key] = value;
  }
  return tags;
}
