import type { Protection } from "../config/resolve.ts";
import { alarmPrefix, type FoundAlarm } from "../core/alarm.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { sizeOf } from "../core/recovery-point.ts";
import { newestFirst } from "../core/retention.ts";
import { type JobStatus, judgeJob, type ProtectionSeen, type Status } from "../core/status.ts";
import { volumesSeen } from "../core/volume-ages.ts";
import { alarmFindings } from "./alarm-findings.ts";
import { seenOf } from "./alarms-seen.ts";
import { alarmDeps, alarmRequest } from "./alarms-session.ts";
import { volumesOf } from "./job-volumes.ts";
import { open } from "./open.ts";
import type { Session } from "./session.ts";
import { knownOf } from "./status.ts";
import type { AgentOptions } from "./wish.ts";

/**
 * What AWS knows now, by its clock, beside what this host remembers of its runs. Writes nothing: what a run
 * records stays what a run has seen.
 */
export async function refreshedStatus(options: AgentOptions, signal: AbortSignal): Promise<Status> {
  const { newRunId } = await import("./session.ts");
  const { session, force } = await open(newRunId(), options, signal);
  const { instance } = session.discovery;
  const { points, asOf } = await session.engine.list({ instanceArn: instance.arn }, signal);
  const ordered = [...points].sort(newestFirst);
  const known = session.state.known || points.length > 0;
  const isWanted = force.protection === "configured";
  const hasLeft = (name: string) =>
    session.state.job(name) !== undefined || points.some((point) => point.job === name);
  const named = force.jobs.filter(({ name }) => isWanted || hasLeft(name));
  const notes = force.problems.filter(({ severity }) => severity !== "notice").map(({ found }) => found);
  const alarms = await alarmsOf(session, options, signal).catch((error: unknown) => {
    notes.push(`alarms are as they were last seen: ${sentenceOf(failureOf(error, "look at the alarms"))}`);
    return undefined;
  });
  const request = await alarmRequest({ ...session, force, loaded: options.loaded });
  for (const { severity, what, command } of alarms === undefined ? [] : alarmFindings(alarms, request, force))
    if (severity !== "note") notes.push(`${what}: ${command}`);
  const jobs: JobStatus[] = [];
  for (const job of named) {
    const own = ordered.filter((point) => point.job === job.name);
    const newest = own.find((point) => point.state === "complete");
    const { chosen } = await volumesOf(job, session, options);
    const volumes = volumesSeen(
      chosen.map(({ volume }) => volume),
      own,
    );
    const { newest: _, ...rest } = knownOf(session.state.job(job.name) ?? { version: 1, job: job.name });
    const seen = newest && { newest: { captured: newest.captured.toISOString(), bytes: sizeOf(newest) } };
    jobs.push(
      judgeJob(
        { ...rest, ...seen, volumes, ...(alarms && { alarms: seenOf(alarms, job.name, asOf) }) },
        // Nothing runs of what nobody wants, and nothing is promised.
        isWanted ? job : undefined,
        instance.id,
        asOf,
      ),
    );
  }
  return {
    instance: instance.id,
    protection: protectionOf(force.protection, known),
    ...(force.leftOutBy !== undefined && { leftOutBy: force.leftOutBy }),
    from: "aws",
    asOf: asOf.toISOString(),
    jobs,
    unreadable: session.state.unreadable,
    notes,
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
