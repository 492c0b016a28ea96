import type { DrillDeps } from "../actions/drill-check.ts";
import { drillPoint } from "../actions/drill-point.ts";
import { type Drill, type DrillSubject, drillable, missingVolumes, rawVolumes } from "../core/drill.ts";
import { type CheckResult, type DrillReport, outcomeOf, problemsOf } from "../core/drill-report.ts";
import { formatDuration } from "../core/duration.ts";
import { type Failure, failureOf } from "../core/errors.ts";
import { problemOf } from "../core/report.ts";
import type { RestorePlan } from "../core/restore-plan.ts";
import { planOf } from "./restore.ts";
import type { FoundPoints } from "./restore-points.ts";
import type { RestoreSession } from "./restore-session.ts";

/** What all drills of one invocation have in common. */
export interface DrillRound {
  readonly run: string;
  readonly trigger: DrillReport["trigger"];
  readonly slot?: string;
  readonly planned: boolean;
  readonly session: RestoreSession;
  readonly deps: DrillDeps;
  /** Below it everything is mounted. */
  readonly directory: string;
}

/** What is known of a drill before it is carried out, or why it cannot be. */
interface Prepared {
  readonly plan?: RestorePlan;
  readonly left: DrillReport["left"];
  readonly failure?: Failure;
}

/** Drills one point, or only tells what that would be. Never throws: a failure is in the report. */
export async function drillSubject(
  subject: DrillSubject,
  drill: Drill,
  found: FoundPoints,
  round: DrillRound,
  signal: AbortSignal,
): Promise<DrillReport> {
  const { deps, planned } = round;
  const started = deps.clock.now();
  const prepared = await prepare(subject, drill, found, round).catch((error: unknown) => ({
    left: [],
    failure: failureOf(error, `plan the drill of ${subject.job}`),
  }));
  const { plan, left, failure } = prepared as Prepared;
  const sizes = (plan?.volumes ?? []).map(({ volume, request }) => ({
    of: volume,
    snapshot: request.snapshot,
    sizeGiB: request.sizeGiB,
    looked: false,
  }));
  const base = {
    ...baseOf(subject, drill, round),
    started: started.toISOString(),
    sizeGiB: sumOf(sizes),
    volumes: sizes,
    left,
  };
  const idle = { checks: [], elapsedMs: 0, notes: plan === undefined ? [] : notesOf(plan) };
  const ended = () => deps.clock.now().toISOString();
  if (plan === undefined || failure !== undefined || planned) {
    const problems = failure === undefined ? [] : [problemOf("error", failure)];
    return { ...base, ...idle, finished: ended(), outcome: "not-done", problems };
  }
  const limit = AbortSignal.timeout(drill.timeout);
  const facts = {
    run: round.run,
    drill: drill.name,
    job: subject.job,
    point: plan.point.id,
    instanceId: base.subject.id,
    directory: round.directory,
  };
  const wanted = { ...drill.checks, raw: rawVolumes(subject.point, drill.checks.raw) };
  const order = { plan, checks: wanted, lifetime: drill.lifetime, facts };
  const {
    checks: done,
    notes,
    looked,
    elapsedMs,
    whole,
    ...rest
  } = await drillPoint(order, deps, AbortSignal.any([signal, limit]));
  const checks = [...missingVolumes(subject.point).map(lacking), ...done];
  const broken = limit.aborted && !signal.aborted && !whole ? tooLate(drill, rest.failure) : rest.failure;
  const problems = [...problemsOf(checks, plan.point.id), ...(broken ? [problemOf("error", broken)] : [])];
  return {
    ...base,
    volumes: sizes.map((one) => ({ ...one, looked: looked.includes(one.of) })),
    checks,
    notes: [...idle.notes, ...notes],
    elapsedMs,
    finished: ended(),
    outcome: outcomeOf(checks, whole),
    problems,
  };
}

/** One that a person names need not be whole; what it lacks is not verified. */
function lacking(volume: string): CheckResult {
  const detail = "the point has no snapshot of it";
  return { check: "mount", on: volume, outcome: "not-done", detail, ms: 0 };
}

/** Of a source of which no more is known than that nothing could be drilled. */
export function undrilled(
  subject: DrillSubject,
  drill: Drill,
  failure: Failure,
  round: DrillRound,
): DrillReport {
  const now = round.deps.clock.now().toISOString();
  return {
    ...baseOf(subject, drill, round),
    started: now,
    finished: now,
    elapsedMs: 0,
    outcome: "not-done",
    sizeGiB: 0,
    volumes: [],
    left: [],
    checks: [],
    notes: [],
    problems: [problemOf("error", failure)],
  };
}

function baseOf(
  { of, job, point }: DrillSubject,
  drill: Drill,
  { run, trigger, slot, planned, session }: DrillRound,
) {
  const { id, arn, name } = session.opened.session.discovery.instance;
  const own = { id, arn, ...(name === undefined ? {} : { name }) };
  const captured = point && {
    id: point.instanceArn.slice(point.instanceArn.lastIndexOf("/") + 1),
    arn: point.instanceArn,
    ...(point.name === undefined ? {} : { name: point.name }),
  };
  return {
    version: 1,
    run,
    drill: drill.name,
    trigger,
    ...(slot === undefined ? {} : { slot }),
    host: id,
    subject: {
      ...(of === undefined ? {} : { of }),
      ...(captured ?? (of === undefined ? own : { id: of })),
    },
    job,
    ...(point && {
      point: {
        id: point.id,
        captured: point.captured.toISOString(),
        snapshots: point.snapshots.map((one) => one.id),
      },
    }),
    planned,
  } as const;
}

async function prepare(
  { of, job, point }: DrillSubject,
  drill: Drill,
  found: FoundPoints,
  { run, session }: DrillRound,
): Promise<Prepared> {
  const doing = `drill ${of === undefined ? "" : `${of}, `}job ${job}`;
  const no = (failure: string, remedy?: string): Failure => ({
    kind: "refused",
    doing,
    found: failure,
    ...(remedy === undefined ? {} : { remedy }),
  });
  if (point === undefined)
    return {
      left: [],
      failure: {
        kind: "not-found",
        doing,
        found: "there is no complete point",
        remedy: `see ec2-backup restore list${of === undefined ? "" : ` --instance ${of}`}`,
      },
    };
  const { instance, volumes } = session.opened.session.discovery;
  const rootVolume = volumes.find(({ root }) => root)?.id;
  const may = drillable(point, { arn: instance.arn, ...(rootVolume && { rootVolume }) });
  if (may.volumes.length === 0)
    return {
      left: may.left,
      failure: no(
        "all that it holds is the root volume of this very instance, of which no copy is ever attached here",
        "drill it from another host: name this instance there under `of`",
      ),
    };
  // What a volume was made for is not what a look at it needs: gp3 has no price but its size.
  const wish = { volumes: may.volumes, type: "gp3", label: run };
  // The names that its volumes had mean nothing here: any free one will do.
  const recipe = point.recipe.map(({ device: _, ...rest }) => rest);
  const plan = await planOf(
    { point: { ...point, recipe }, because: "", passedOver: [] },
    wish,
    found,
    session,
  );
  const blocking = plan.obstacles.filter(({ severity }) => severity === "blocks");
  const [first] = blocking;
  if (first !== undefined) {
    const others = blocking.length > 1 ? `, and ${blocking.length - 1} more` : "";
    return { plan, left: may.left, failure: no(`${first.snapshot}: ${first.found}${others}`, first.remedy) };
  }
  const size = sumOf(plan.volumes.map(({ request }) => request));
  if (size > drill.maxSizeGiB)
    return {
      plan,
      left: may.left,
      failure: no(
        `its ${plan.volumes.length} volumes have ${size} GiB together, and the drill may make ${drill.maxSizeGiB} GiB`,
        `set drill.${drill.name}.maxSize to at least ${size}`,
      ),
    };
  return { plan, left: may.left };
}

/** What would come true only if the volumes stayed is nothing to be told. */
function notesOf({ volumes, point, instance }: RestorePlan): readonly string[] {
  const foreignRoot = volumes.some(({ root }) => root) && point.instanceArn !== instance.arn;
  return foreignRoot
    ? [
        "it has a copy of a root volume: it is gone before this host is shut down, and must not be there when it boots",
      ]
    : [];
}

function sumOf(volumes: readonly { readonly sizeGiB: number }[]): number {
  return volumes.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
}

function tooLate({ name, timeout }: Drill, failure: Failure | undefined): Failure {
  const found = `it was not done after ${formatDuration(timeout)}${failure === undefined ? "" : ` (${failure.doing})`}`;
  return { kind: "refused", doing: "drill in time", found, remedy: `raise drill.${name}.timeout` };
}
