import { terminationOf } from "../config/termination-settings.ts";
import { takesVolumes } from "../core/last-job.ts";
import { groupKey } from "../core/point-tags.ts";
import type { NoticeSource, TerminationSettings, TerminationWatch } from "../core/termination.ts";
import { metadataPaths } from "../host/metadata-paths.ts";
import type { Opened } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** The longest that the metadata is waited for, in milliseconds. */
const patience = 2_000;

/**
 * What the daemon is to watch for, if anything: spot instances and members of Auto Scaling groups are given notice,
 * and no others. Looking wakes the host every few seconds, so where no notice can come nobody looks unless the file
 * says so.
 */
export async function terminationWatch(
  { session, force }: Opened,
  { loaded }: Pick<AgentOptions, "loaded">,
  signal: AbortSignal,
): Promise<TerminationWatch | undefined> {
  const { metadata } = session.identity;
  const settings = terminationOf(loaded.ok === true ? loaded.file : undefined);
  if (settings.capture === false || metadata === undefined || force.protection !== "configured")
    return undefined;
  if (!force.jobs.some((job) => isOf(settings, job.name) && takesVolumes(job))) return undefined;
  const { endpoint } = metadata;
  const known = await sourcesOf(session.discovery.instance.tags, endpoint, signal);
  // An instance may be put into a group while it runs.
  const sources =
    known.length === 0 && settings.capture === true ? (["spot", "autoscaling"] as const) : known;
  if (sources.length === 0) return undefined;
  const { every, budget } = settings;
  return { endpoint, sources, every, budget };
}

export function isOf({ jobs }: TerminationSettings, job: string): boolean {
  return jobs.length === 0 || jobs.includes(job);
}

/** Who can give this instance notice. Where that cannot be read, spot is not left out for it. */
export async function sourcesOf(
  tags: Readonly<Record<string, string>>,
  endpoint: string,
  signal: AbortSignal,
): Promise<NoticeSource[]> {
  const cycle = await metadataPaths(endpoint, patience)
    .read("instance-life-cycle", signal)
    .catch(() => "spot");
  return [
    ...(cycle?.trim() === "spot" ? (["spot"] as const) : []),
    ...(tags[groupKey] === undefined ? [] : (["autoscaling"] as const)),
  ];
}
