import type { Loaded } from "../config/load.ts";
import type { Timed } from "../core/promise.ts";
import { isInstant } from "../core/report-shape.ts";
import { type AlarmsSeen, judgeJob, type KnownJob, type Status } from "../core/status.ts";
import type { VolumeSeen } from "../core/volume-ages.ts";
import { type JobState, lastInstance, StateDirectory } from "../host/state.ts";
import { inForce } from "./in-force.ts";
import type { AgentOptions } from "./wish.ts";

/** Jobs as a status needs to know them. */
type TimedJobs = ReadonlyMap<string, Timed>;

/**
 * What this host remembers of its jobs and of those that the file names. Asks the metadata service only for the
 * instance id, since the state of another instance (a cloned image) is not ours; without an answer the last known id
 * is taken.
 */
export async function status(options: AgentOptions, now: Date, signal: AbortSignal): Promise<Status> {
  const { self, loaded } = options;
  const facts = { from: "host", asOf: now.toISOString() } as const;
  const { instance, state, elsewhere } = await remembered(options, signal);
  const { jobs, isNamed, named, notes } = await timedJobs(state, loaded, self.uid);
  const known = state?.jobs() ?? [];
  const never = named.filter((name) => !known.some(({ job }) => job === name));
  const all = [...known, ...never.map((job): JobState => ({ version: 1, job }))];
  return {
    ...facts,
    ...(instance !== undefined && { instance }),
    ...(elsewhere && { elsewhere }),
    protection: known.length > 0 ? "protected" : isNamed ? "never run" : "not protected",
    jobs: all.map((job) => judgeJob(knownOf(job), jobs.get(job.job), instance ?? "", now)),
    unreadable: state?.unreadable ?? [],
    notes,
  };
}

/** What the state has of a job. A part that cannot be what it should be is left out. */
export function knownOf(state: JobState): KnownJob {
  const { job, report, note, newest, volumes, lastSlot, alarms, storing } = state;
  // Of a run that has reported, a point may still have to be judged.
  const left = Array.isArray(storing) ? storing.filter((one) => one?.run !== report?.run) : [];
  const running = note ?? left.at(-1);
  return {
    job,
    ...(newest && isInstant(newest.captured) && typeof newest.bytes === "number" && { newest }),
    ...(report && { report }),
    ...(running && isInstant(running.at) && { running: { run: String(running.run), since: running.at } }),
    ...(Array.isArray(volumes) && volumes.every(isSeen) && { volumes }),
    ...(isInstant(lastSlot) && { lastSlot }),
    ...(areSeen(alarms) && { alarms }),
  };
}

function isSeen(seen: VolumeSeen | null): boolean {
  const { volume, device, newest, bytes, settling } = seen ?? {};
  const dates = [newest, settling].every((date) => date === undefined || isInstant(date));
  const isSized = bytes === undefined || typeof bytes === "number";
  return typeof volume === "string" && typeof device === "string" && dates && isSized;
}

function areSeen(seen: AlarmsSeen | undefined): seen is AlarmsSeen {
  const alarms: unknown = seen?.alarms;
  const isWhole = (one: AlarmsSeen["alarms"][number] | null) =>
    typeof one?.name === "string" && typeof one.state === "string" && typeof one.actionsEnabled === "boolean";
  return isInstant(seen?.asOf) && Array.isArray(alarms) && alarms.every(isWhole);
}

/**
 * When the jobs run. The tags of the instance can have a say in it and are not asked for here, so the last good
 * configuration goes first, which a run with tags has left; what the file says otherwise is told.
 */
async function timedJobs(
  state: StateDirectory | undefined,
  loaded: Loaded,
  uid: number | undefined,
): Promise<{ jobs: TimedJobs; isNamed: boolean; named: readonly string[]; notes: string[] }> {
  const { fromLastGood } = await import("../config/read-last-good.ts");
  const { value, distrust } = (await state?.lastGood(uid)) ?? {};
  const good = fromLastGood(value);
  const written = inForce({ loaded, tags: {}, flags: {} });
  const isNamed = written.protection === "configured";
  const notes = written.problems.filter(({ severity }) => severity === "error").map(({ found }) => found);
  if (distrust !== undefined) notes.push(`the last good configuration is not used: ${distrust}`);
  const jobs = new Map<string, Timed>(written.jobs.map((job) => [job.name, job]));
  for (const job of good?.jobs ?? []) {
    const now = jobs.get(job.name);
    if (now !== undefined && loaded.ok === true && now.schedule !== job.schedule)
      notes.push(
        `job ${job.name}: the file says ${now.schedule ?? "no schedule"}, the last run went by ${job.schedule ?? "none"}`,
      );
    jobs.set(job.name, job);
  }
  return { jobs, isNamed, named: isNamed ? written.jobs.map(({ name }) => name) : [], notes };
}

/** Whose state this host has. The metadata service is not asked where the configuration names the host. */
async function remembered(
  { stateDirectory, loaded }: AgentOptions,
  signal: AbortSignal,
): Promise<{ instance?: string; state?: StateDirectory; elsewhere?: true }> {
  const named = loaded.ok === true ? loaded.file.config.host?.name : undefined;
  const instance = named === undefined ? await instanceId(stateDirectory, signal) : undefined;
  if (instance !== undefined) return { instance, state: await StateDirectory.open(stateDirectory, instance) };
  const { lastHost, stateOfHost } = await import("./elsewhere.ts");
  const host = named ?? (await lastHost(stateDirectory));
  if (host === undefined) return {};
  return { instance: host, state: await stateOfHost(stateDirectory, host), elsewhere: true };
}

async function instanceId(stateDirectory: string, signal: AbortSignal): Promise<string | undefined> {
  const { identify } = await import("./session.ts");
  const short = AbortSignal.any([signal, AbortSignal.timeout(3_000)]);
  const identity = await identify(3_000, short).catch(() => undefined);
  return identity?.instanceId ?? lastInstance(stateDirectory);
}
