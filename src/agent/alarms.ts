import { type Applied, applyAlarms, removeAlarms } from "../actions/apply-alarms.ts";
import { type Drilled, drillAlarms } from "../actions/drill-alarms.ts";
import { lookAtAlarms, lookAtTopic } from "../actions/look-at-alarms.ts";
import { type PowerChange, type SignsOf, silenceAlarms, wakeAlarms } from "../actions/power-alarms.ts";
import { type ToldAge, tellAges } from "../actions/tell-ages.ts";
import { alarmPrefix } from "../core/alarm.ts";
import { dashboardBody, dashboardName } from "../core/alarm-dashboard.ts";
import { alarmsFor, tagsOfAlarm } from "../core/alarms.ts";
import type { AlarmsPlan, TopicPlan } from "../core/alarms-plan.ts";
import { drillPrefix } from "../core/drill.ts";
import { instanceArn } from "../core/instance.ts";
import { systemClock } from "../host/clock.ts";
import { readPowerGoal } from "../host/power.ts";
import { StateDirectory } from "../host/state.ts";
import { signsOf } from "./alarm-signs.ts";
import { noteAlarms } from "./alarms-seen.ts";
import { alarmDeps, openAlarms } from "./alarms-session.ts";
import { requestTimeout } from "./open.ts";
import { identify } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

const minute = 60_000;

/** How long the history of an alarm may take to show what it did, and how often it is read, in ms. */
const drillWaits = { arriveFor: 30_000, lookEvery: 1_000 };

/** What is, what should be, and what it costs; also the alarms of instances that are gone. */
export async function planned(options: AgentOptions, signal: AbortSignal): Promise<AlarmsPlan> {
  const { opened, request, deps } = await openAlarms(options, signal);
  const plan = await lookAtAlarms(request, deps, true);
  await noteAlarms(opened.session.state, deps, options.log);
  return plan;
}

/** Makes it so. The plan is that from before; `topic` shows who is told now. */
export async function applied(
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly plan: AlarmsPlan; readonly done: readonly Applied[]; readonly topic?: TopicPlan }> {
  const { opened, request, deps } = await openAlarms(options, signal);
  const plan = await lookAtAlarms(request, deps, false);
  const done = await applyAlarms(plan, request, deps);
  await noteAlarms(opened.session.state, deps, options.log);
  const changed = done.some(({ outcome }) => outcome === "subscribed" || outcome === "created");
  const topic = changed ? await lookAtTopic(request, deps.topics) : plan.topic;
  return { plan, done, ...(topic === undefined ? {} : { topic }) };
}

/** Removes the alarms of this instance, whatever is configured. */
export async function removed(
  dryRun: boolean,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<readonly Applied[]> {
  const identity = await identify(requestTimeout(options.loaded), signal);
  const deps = alarmDeps({ identity }, options, signal);
  const done = await removeAlarms(identity.instanceId, deps, dryRun);
  const state = await StateDirectory.open(options.stateDirectory, identity.instanceId);
  await noteAlarms(state, deps, options.log);
  return done;
}

/** Drives every alarm to ALARM and back. */
export async function drilled(
  arriveFor: number | undefined,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly drilled: readonly Drilled[]; readonly topic?: TopicPlan }> {
  const { request, deps } = await openAlarms(options, signal);
  const topic = await lookAtTopic(request, deps.topics);
  const waits = { ...drillWaits, ...(arriveFor === undefined ? {} : { arriveFor }) };
  const result = await drillAlarms(request.facts.instance.id, deps, waits);
  return { drilled: result, ...(topic === undefined ? {} : { topic }) };
}

/**
 * Silences the alarms for missed backups; with `onPowerOff` only if the system powers off, and not for a
 * restart. It asks AWS for no more than it must, since the system is about to stop.
 */
export async function paused(
  onPowerOff: boolean,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly goal?: string; readonly changes: readonly PowerChange[] }> {
  const goal = onPowerOff ? await readPowerGoal(5_000) : undefined;
  if (goal !== undefined && goal !== "power-off") return { goal, changes: [] };
  const identity = await identify(requestTimeout(options.loaded), signal);
  const state = await StateDirectory.open(options.stateDirectory, identity.instanceId);
  const signs = await signsIn(state);
  const deps = alarmDeps({ identity }, options, signal);
  const { changes, found } = await silenceAlarms(identity.instanceId, signs, deps);
  await noteAlarms(state, { ...deps, alarms: { find: async () => found } }, options.log);
  return { ...(goal === undefined ? {} : { goal }), changes };
}

/** A missed run is made up for soon after the start, by a share of the splay; longer ones only spare an alarm longer. */
const catchUp = 4 * 60 * minute;

/**
 * Lets the alarms that were silenced tell again. After a start little may work yet, and the configuration may be
 * faulty, so nothing is asked for but who this is and what CloudWatch has.
 */
export async function resumed(
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly changes: readonly PowerChange[] }> {
  const identity = await identify(requestTimeout(options.loaded), signal);
  const state = await StateDirectory.open(options.stateDirectory, identity.instanceId);
  const deps = alarmDeps({ identity }, options, signal);
  const changes = await wakeAlarms(
    identity.instanceId,
    await signsIn(state),
    (job) => tagsOfAlarm(instanceArn(identity), job),
    catchUp,
    deps,
  );
  await noteAlarms(state, deps, options.log);
  return { changes };
}

/** Tells the age of the newest complete point of jobs that run too rarely for their alarm, or of those named. */
export async function beaten(
  jobs: readonly string[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<readonly ToldAge[]> {
  const { opened, request } = await openAlarms(options, signal);
  const { session, force } = opened;
  const all = jobs.length > 0 ? jobs : alarmsFor(request.facts).beats;
  const names = all.filter((name) => !name.startsWith(drillPrefix));
  const drills = all.filter((name) => name.startsWith(drillPrefix));
  const told = await tellAges(names, request.facts, {
    list: (series) => session.engine.list({ series }, signal),
    storedAge: (name) => {
      const job = force.jobs.find((one) => one.name === name);
      if (job?.stored === undefined) return undefined;
      return import("./stored-age.ts").then(({ storedAge }) => storedAge(job, opened, options, signal));
    },
    metrics: session.metrics(force.settings.metrics.namespace),
    note: (job) =>
      session.state.update(job, (state) => ({ ...state, beat: systemClock.now().toISOString() })),
  });
  if (drills.length === 0) return told;
  const { tellDrillAges } = await import("./drill-watch.ts");
  const metrics = session.metrics(force.settings.metrics.namespace);
  return [...told, ...(await tellDrillAges(drills, request.facts, metrics, session.state))];
}

/** What this host remembers of jobs, and of drills under the names of both. */
async function signsIn(state: StateDirectory): Promise<SignsOf> {
  const { drillStates } = await import("../host/drill-state.ts");
  const drills = await drillStates(state.directory, state.instanceId).all();
  const { drillSigns } = await import("./drill-watch.ts");
  const known = new Map(drills.map((one) => [one.drill, drillSigns(one)]));
  return (name, kind) => (kind === "drill" ? (known.get(name) ?? {}) : signsOf(state.job(name)));
}

/** Writes a dashboard of this instance or of the fleet, or only tells its body. */
export async function drawn(
  { fleet, dryRun }: { readonly fleet: boolean; readonly dryRun: boolean },
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{
  readonly name: string;
  readonly body: string;
  readonly said: readonly string[];
  readonly region: string;
  /** What it costs a month. */
  readonly dollars: number;
}> {
  const { request, deps } = await openAlarms(options, signal);
  const { instance, jobs, metrics } = request.facts;
  const { region } = request.place;
  const alarms = fleet ? [] : await deps.alarms.find(alarmPrefix(instance.id));
  const { id, name } = instance;
  const own = { id, ...(name === undefined ? {} : { name }), jobs: jobs.map((job) => job.name) };
  const scope = { region, ...metrics, alarms, ...(fleet ? {} : { instance: own }) };
  const [title, body] = [dashboardName(scope), dashboardBody(scope)];
  const said = dryRun ? [] : await deps.alarms.putDashboard(title, body);
  const dollars = request.facts.settings.prices.dashboard;
  return { name: title, body, said, region, dollars };
}
