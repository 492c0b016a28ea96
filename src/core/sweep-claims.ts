import type { Tags } from "./instance.ts";

/** What a sweep writes on an instance that it is about to capture: its run and EC2's clock. */
export const claimKey = "ec2-backup:sweep";

export function claimOf(run: string, asOf: Date): string {
  return `${run} ${asOf.toISOString()}`;
}

/** One that was not cleared was left by a sweep that died. */
const lasts = 15 * 60_000;

/** Whether another sweep is about to capture the instance. */
export function isOthers(tags: Tags, run: string, now: Date): boolean {
  const [by, at = ""] = (tags[claimKey] ?? "").split(" ");
  return by !== run && Math.abs(now.getTime() - Date.parse(at)) < lasts;
}

export function isOwn(tags: Tags, run: string): boolean {
  return tags[claimKey]?.split(" ")[0] === run;
}
