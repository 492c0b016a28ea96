import type { Protection } from "../config/resolve.ts";
import { alarmPrefix, type FoundAlarm } from "../core/alarm.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import { sizeOf } from "../core/recovery-point.ts";
import { newestFirst } from "../core/retention.ts";
import { type JobStatus, judgeJob, type KnownJob, type ProtectionSeen, type Status } from "../core/status.ts";
import { type VolumeSeen, volumesSeen } from "../core/volume-ages.ts";
import { alarmFindings } from "./alarm-findings.ts";
import { seenOf } from "./alarms-seen.ts";
import { alarmDeps, alarmRequest } from "./alarms-session.ts";
import { volumesOf } from "./job-volumes.ts";
import { type Opened, open } from "./open.ts";
import type { Session } from "./session.ts";
import { knownOf } from "./status.ts";
import type { StoredSeen } from "./stored-inquiries.ts";
import type { AgentOptions } from "./wish.ts";

/**
 * What AWS knows now, by its clock, beside what this host remembers of its runs. Writes nothing: what a run
 * records stays what a run has seen.
 */
export async function refreshedStatus(options: AgentOptions, signal: AbortSignal): Promise<Status> {
  const { newRunId } = await import("./session.ts");
  const { session, force } = await open(newRunId(), options, signal);
  const { instance } = session.discovery;
  const { elsewhere } = session.discovery;
  const { points, asOf } = await session.engine.list({ instanceArn: instance.arn }, signal);
  const ordered = [...points].sort(newestFirst);
  const stored = await storedIn({ session, force }, options, signal);
  const known = session.state.known || points.length > 0 || (stored?.points.length ?? 0) > 0;
  const isWanted = force.protection === "configured";
  const hasLeft = (name: string) =>
    session.state.job(name) !== undefined || points.some((point) => point.job === name);
  const named = force.jobs.filter(({ name }) => isWanted || hasLeft(name));
  const notes = force.problems.filter(({ severity }) => severity !== "notice").map(({ found }) => found);
  notes.push(...(stored?.problems ?? []).map(sentenceOf));
  const alarms = elsewhere
    ? undefined
    : await alarmsOf(session, options, signal).catch((error: unknown) => {
        notes.push(
          `alarms are as they were last seen: ${sentenceOf(failureOf(error, "look at the alarms"))}`,
        );
        return undefined;
      });
  if (alarms !== undefined) {
    const request = await alarmRequest({ ...session, force, loaded: options.loaded });
    for (const { severity, what, command } of alarmFindings(alarms, request, force))
      if (severity !== "note") notes.push(`${what}: ${command}`);
  }
  const jobs: JobStatus[] = [];
  for (const job of named) {
    const own = ordered.filter((point) => point.job === job.name);
    const newest = own.find((point) => point.state === "complete");
    const { chosen } = await volumesOf(job, session, options);
    const ofVolumes = volumesSeen(
      chosen.map(({ volume }) => volume),
      own,
    );
    const { newest: before, ...rest } = knownOf(session.state.job(job.name) ?? { version: 1, job: job.name });
    const fresh = newest && { captured: newest.captured.toISOString(), bytes: sizeOf(newest) };
    const seen =
      stored &&
      (await withRepositories(
        job,
        instance.arn,
        stored,
        rest.volumes ?? [],
        fresh && { ...fresh, ageSeconds: (asOf.getTime() - newest.captured.getTime()) / 1000 },
        ofVolumes,
      ));
    const volumes = seen?.volumes ?? ofVolumes;
    // What could not be asked is as it was.
    const isWhole = seen?.volumes.every(({ unseen }) => unseen !== true) ?? true;
    const all = !isWhole ? before : seen === undefined ? fresh : seen.newest;
    jobs.push(
      judgeJob(
        {
          ...rest,
          ...(all && { newest: all }),
          volumes,
          ...(alarms && { alarms: seenOf(alarms, job.name, asOf) }),
        },
        // Nothing runs of what nobody wants, and nothing is promised.
        isWanted ? job : undefined,
        instance.id,
        asOf,
      ),
    );
  }
  return {
    instance: instance.id,
    ...(elsewhere && { elsewhere }),
    protection: protectionOf(force.protection, known),
    ...(force.leftOutBy !== undefined && { leftOutBy: force.leftOutBy }),
    from: "aws",
    asOf: asOf.toISOString(),
    jobs,
    unreadable: session.state.unreadable,
    notes,
  };
}

/** Most hosts have no repositories, and load nothing of them. */
async function storedIn(opened: Opened, options: AgentOptions, signal: AbortSignal) {
  if (opened.force.settings.repositories === undefined) return undefined;
  const { storedSeen } = await import("./stored-inquiries.ts");
  return storedSeen(opened, options, signal);
}

/** The rows of all that a job takes, and the newest point of what is furthest behind. */
async function withRepositories(
  job: Job,
  arn: string,
  found: StoredSeen,
  remembered: readonly VolumeSeen[],
  newest: (NonNullable<KnownJob["newest"]> & { readonly ageSeconds: number }) | undefined,
  ofVolumes: readonly VolumeSeen[],
): Promise<Required<Pick<KnownJob, "volumes">> & Pick<KnownJob, "newest">> {
  const { stored } = job;
  if (stored === undefined) return { volumes: ofVolumes, ...(newest && { newest }) };
  const { storedNow } = await import("./stored-status.ts");
  const { withStored } = await import("../core/stored-facts.ts");
  const { reports, unseen } = storedNow({ ...job, stored }, arn, found, remembered);
  const series = newest && { complete: 1, newestComplete: newest, volumes: ofVolumes };
  const whole = withStored(reports, stored.volumes, series);
  const worst = unseen.length > 0 ? undefined : whole?.newestComplete;
  const { captured, bytes } = worst ?? {};
  return {
    volumes: [...unseen, ...(whole?.volumes ?? ofVolumes)],
    ...(captured !== undefined && bytes !== undefined && { newest: { captured, bytes } }),
  };
}

function protectionOf(protection: Protection, known: boolean): ProtectionSeen {
  if (protection === "left-out") return "left out";
  if (protection === "unconfigured") return "not protected";
  return known ? "protected" : "never run";
}

function alarmsOf(
  session: Session,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<readonly FoundAlarm[]> {
  return alarmDeps(session, options, signal).alarms.find(alarmPrefix(session.identity.instanceId));
}
