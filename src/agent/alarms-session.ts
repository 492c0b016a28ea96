import type { AlarmDeps, AlarmRequest } from "../actions/look-at-alarms.ts";
import { cloudWatchAlarms } from "../aws/alarms.ts";
import { connect, connectCloudWatch } from "../aws/connection.ts";
import { livingInstances } from "../aws/living-instances.ts";
import { alarmSettingsOf } from "../config/alarm-settings.ts";
import type { Settings } from "../config/defaults.ts";
import type { Loaded } from "../config/load.ts";
import { outputsOf } from "../config/outputs.ts";
import type { TopicService } from "../core/alarm-ports.ts";
import type { PublishedMetrics } from "../core/alarms.ts";
import { systemClock } from "../host/clock.ts";
import { signsOf } from "./alarm-signs.ts";
import type { InForce } from "./in-force.ts";
import { type Opened, open, requestTimeout } from "./open.ts";
import { routeOf } from "./route.ts";
import { newRunId, type Session } from "./session.ts";
import { faultyConfiguration } from "./unusable-wish.ts";
import type { AgentOptions } from "./wish.ts";

/** Milliseconds between two changes: three a second are allowed to all instances of an account together. */
const pause = 400;

/** An instance with its jobs, and the ways to its alarms. */
export interface AlarmSession {
  readonly opened: Opened;
  readonly request: AlarmRequest;
  readonly deps: AlarmDeps;
}

/** Finds the instance, its jobs in force and what is remembered of them. */
export async function openAlarms(options: AgentOptions, signal: AbortSignal): Promise<AlarmSession> {
  const opened = await open(newRunId(), options, signal);
  const { session, force } = opened;
  if (force.faulty) throw faultyConfiguration(force.problems);
  return {
    opened,
    request: await alarmRequest({ ...session, force, loaded: options.loaded }),
    deps: alarmDeps(session, options, signal),
  };
}

/** What is known when the alarms of this instance are to be compared with what they should be. */
export async function alarmRequest({
  identity,
  discovery,
  state,
  force,
  loaded,
}: Pick<Session, "identity" | "discovery" | "state"> & {
  readonly force: InForce;
  readonly loaded: Loaded;
}): Promise<AlarmRequest> {
  const drills = await watchedDrills(loaded, state);
  // What nobody wants to be backed up is not watched either.
  const jobs = force.protection === "configured" ? force.jobs : [];
  const signs = new Map(jobs.map(({ name }) => [name, signsOf(state.job(name))]));
  return {
    place: identity,
    facts: {
      instance: discovery.instance,
      jobs,
      drills: drills.map(({ drill }) => drill),
      repositories: await watchedRepositories(force.settings),
      metrics: publishedMetrics(force.settings),
      settings: alarmSettingsOf(loaded.ok === true ? loaded.file : undefined),
      durations: Object.fromEntries([...signs].map(([name, { durations }]) => [name, durations])),
      now: systemClock.now(),
    },
    volumes: discovery.volumes.length,
    told: Object.fromEntries(signs),
    drillsTold: Object.fromEntries(drills.map(({ drill, signs }) => [drill.name, signs])),
  };
}

/** Most hosts have none, and load nothing of them. */
async function watchedDrills(loaded: Loaded, state: Session["state"]) {
  if (loaded.ok !== true || loaded.file.config.drill === undefined) return [];
  const { drillsWatched } = await import("./drill-watch.ts");
  return drillsWatched(loaded.file, state.directory, state.instanceId);
}

/** Those that nothing is done to by itself would never tell. */
async function watchedRepositories(settings: Settings): Promise<readonly string[]> {
  if (settings.repositories === undefined) return [];
  const { repositoriesOf } = await import("../config/repositories.ts");
  const { scheduledKinds } = await import("../core/upkeep.ts");
  return repositoriesOf(settings)
    .filter((one) => scheduledKinds(one).length > 0)
    .map(({ name }) => name);
}

function publishedMetrics({ metrics, outputs = {} }: Settings): PublishedMetrics {
  const { only, perVolume = false } = outputs;
  return { ...metrics, outputs: outputsOf(outputs), ...(only && { only }), perVolume };
}

/** The ways to the alarms of an instance, of which no more need be known than who it is. */
export function alarmDeps(
  { identity, connection: there }: Pick<Session, "identity"> & Partial<Pick<Session, "connection">>,
  { version, loaded, self }: Pick<AgentOptions, "version" | "loaded" | "self">,
  signal: AbortSignal,
): AlarmDeps {
  const timeout = requestTimeout(loaded);
  const connecting = {
    region: identity.region,
    requestTimeout: timeout,
    route: routeOf(self.env),
    userAgent: [["ec2-backup-agent", version] as const, ["alarms", "1"] as const],
  };
  const connection = there ?? connect(connecting);
  // The SDK repeats throttled requests after pauses of its own, within the one deadline.
  const client = connectCloudWatch(connecting, connection);
  return {
    alarms: cloudWatchAlarms(client, timeout * 2, signal),
    lasting: cloudWatchAlarms(client, timeout * 2, new AbortController().signal),
    topics: lazyTopics(async () => {
      const [{ connectSns }, { snsTopics }] = await Promise.all([
        import("../aws/topic-attributes.ts"),
        import("../aws/topic.ts"),
      ]);
      return snsTopics(connectSns(connecting, connection.ec2.config.credentials), timeout, signal);
    }),
    living: livingInstances(connection, signal),
    clock: systemClock,
    pause,
    signal,
  };
}

/** Whoever tells nobody needs no client of SNS. */
function lazyTopics(make: () => Promise<TopicService>): TopicService {
  let made: Promise<TopicService> | undefined;
  const topics = (): Promise<TopicService> => {
    made ??= make();
    return made;
  };
  return {
    find: async (arn) => (await topics()).find(arn),
    create: async (name, policy, tags) => (await topics()).create(name, policy, tags),
    subscribe: async (arn, protocol, endpoint) => (await topics()).subscribe(arn, protocol, endpoint),
  };
}
