import { leftOutByTags } from "../config/backup-tag.ts";
import type { Volume } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import { namedMounts, type Selected, selectVolumes } from "../core/selection.ts";
import type { Session } from "./session.ts";
import { thisHost } from "./this-host.ts";
import type { AgentOptions } from "./wish.ts";

/** The volumes that a job would take now; the mounts are looked at only where the job names some. */
export async function volumesOf(
  job: Job,
  { discovery }: Session,
  { self, stateDirectory }: AgentOptions,
): Promise<Selected> {
  const { volumes } = discovery;
  const named = namedMounts(job.volumes).length > 0;
  const mounts = named ? (await thisHost(self, stateDirectory).mounts(volumes)).mounts : [];
  return selectVolumes(volumes, job.volumes, (one: Volume) => leftOutByTags(one.tags), mounts);
}
