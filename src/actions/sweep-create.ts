import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { type Stanza, stanzasOf } from "../core/stanzas.ts";
import { type CreateFacts, newestPoints, type Overdue, planCreate } from "../core/sweep-create.ts";
import type { PointService, SweepInstance } from "../core/sweep-ports.ts";
import type { CreateSwept, InstanceCaptured, StopsSwept } from "../core/sweep-report.ts";
import type { SweepCreateRules } from "../core/sweep-settings.ts";
import { newestOfVolumes, planStanzas } from "../core/sweep-stanzas.ts";
import { pace } from "./pace.ts";
import { readyCapture, type SweepCaptureDeps } from "./sweep-capture.ts";
import { type ClaimDeps, type Claimed, claim, clearLeft, type Hold, type Seen } from "./sweep-claims.ts";
import type { ReadyCapture } from "./sweep-stop.ts";
import { captureStopped, judgeStops, type SweepStopsDeps, stopsOf, withReasons } from "./sweep-stops.ts";
import { onceEach } from "./sweep-trouble.ts";

export interface SweepCreateDeps extends SweepCaptureDeps, ClaimDeps, Pick<CreateFacts, "wished" | "tagged"> {
  readonly ec2: Pick<PointService, "points" | "instances">;
  /** Ids of the instances that EC2's filters leave. */
  readonly filtered: (
    filters: SweepCreateRules["filters"],
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string>>;
  readonly rules: SweepCreateRules;
  /** Another tool's, which say how often instances are captured that come under them. */
  readonly stanzas: readonly Stanza[];
  /** Whether instances under none of them are captured by their tags. */
  readonly byTags: boolean;
  readonly stops: SweepStopsDeps;
  readonly tell: (done: number, of: number) => void;
}

/** EC2 lets an account begin five sets a second, and its agents begin theirs. */
const perSecond = 2;

export interface Created {
  readonly create?: CreateSwept;
  readonly stops?: StopsSwept;
  readonly problems: readonly Problem[];
}

/** Captures in place of their agents the instances of a unit that are overdue: one set of snapshots each. */
export async function sweepCreate(
  dryRun: boolean,
  deps: SweepCreateDeps,
  signal: AbortSignal,
): Promise<Created> {
  const elapsed = deps.clock.elapsed();
  const instances = await deps.ec2.instances(signal);
  let planned: ReturnType<typeof planOf> | undefined;
  const plan = () => {
    planned ??= planOf(instances, deps, signal);
    return planned;
  };
  const done: Done = { captured: [], failures: [], warnings: [] };
  // What a sweep has stopped that is gone is off until somebody starts it: first of all, whatever else may fail.
  const stops = await stopsOf(instances, deps.stops, dryRun, signal, async (id) => {
    const { overdue } = await plan();
    for (const one of overdue)
      if (one.instance.id === id)
        done.captured.push({ ...toldOf(one), ...(await captureOne(one, undefined, deps, signal)) });
  });
  const problems = () => [
    ...onceEach(done.failures).map((failure) => problemOf("error", failure)),
    ...stops.failures.map((failure) => problemOf("error", failure)),
    ...done.warnings.map((failure) => problemOf("warning", failure)),
  ];
  try {
    const { overdue, asOf } = await plan();
    const free = overdue.filter(({ instance }) => !stops.touched.has(instance.id));
    const plain = free.filter(({ instance }) => !deps.stops.wanted(instance));
    const toStop = free.filter(({ instance }) => deps.stops.wanted(instance));
    const judged = await judgeStops(toStop, stops, deps.stops, signal);
    const asTheyRun = [...plain, ...judged.refused.map(({ of }) => of)];
    const would = (one: Overdue) => ({ ...toldOf(one), outcome: "overdue" as const });
    if (dryRun) {
      done.captured.push(...asTheyRun.map(would));
      done.captured.push(...judged.allowed.map((one) => ({ ...would(one), stops: true })));
    } else {
      await clearLeft(instances, deps, asOf, signal);
      await capturePlainly(asTheyRun, done, deps, { asOf, elapsed }, signal);
      await captureStopped(
        judged.allowed,
        stops,
        (one) => readyCapture(one, deps, signal),
        deps.stops,
        signal,
      );
    }
    const captured = [
      ...withReasons(done.captured, judged, stops),
      ...stops.captured.map(({ of, ...became }) => ({ ...toldOf(of), ...became })),
    ];
    const create = { asOf: asOf.toISOString(), instances: instances.length, captured };
    return { create, ...(stops.swept && { stops: stops.swept }), problems: problems() };
  } catch (error) {
    const failure = failureOf(error, "see which instances are overdue");
    const nothing = done.captured.length + done.failures.length + stops.touched.size === 0;
    if (failure.kind === "interrupted" && nothing) throw error;
    done.failures.push(failure);
    return { ...(stops.swept && { stops: stops.swept }), problems: problems() };
  }
}

async function planOf(
  instances: readonly SweepInstance[],
  { ec2, rules, wished, tagged, ...deps }: SweepCreateDeps,
  signal: AbortSignal,
): Promise<{ readonly overdue: readonly Overdue[]; readonly asOf: Date }> {
  const { snapshots, asOf } = await ec2.points(signal);
  const filtered = rules.filters.length === 0 ? undefined : await deps.filtered(rules.filters, signal);
  const newest = newestPoints(snapshots);
  const facts = { instances, newest, wished, tagged, ...(filtered && { filtered }) };
  const { stanzas, byTags } = deps;
  const free = instances.filter((one) => stanzasOf(one, stanzas).length === 0);
  const overdue = [
    ...planStanzas(facts, newestOfVolumes(snapshots), stanzas, asOf),
    ...(byTags ? planCreate({ ...facts, instances: free }, rules, asOf) : []),
  ];
  return { overdue, asOf };
}

interface Done {
  readonly captured: InstanceCaptured[];
  readonly failures: Failure[];
  readonly warnings: Failure[];
}

async function capturePlainly(
  overdue: readonly Overdue[],
  { captured, failures, warnings }: Done,
  deps: SweepCreateDeps,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const turns = pace(perSecond, deps.clock);
  if (overdue.length > 0) deps.tell(0, overdue.length);
  const claimed = await claim(overdue, deps, seen, signal);
  warnings.push(...claimed.failures);
  captured.push(...claimed.others.map((one) => ({ ...toldOf(one), outcome: "claimed" as const })));
  for (const [index, one] of claimed.mine.entries()) {
    const told = toldOf(one);
    await turns.turn(signal);
    if (signal.aborted) {
      failures.push(interrupted("capture instances that are overdue", "the sweep"));
      break;
    }
    try {
      captured.push({ ...told, ...(await captureOne(one, claimed, deps, signal)) });
    } catch (error) {
      failures.push(failureOf(error, `capture ${one.instance.id}`));
      captured.push({ ...told, outcome: "failed" });
    }
    deps.tell(index + 1, overdue.length);
  }
  await claimed.clear();
}

function toldOf({ instance, job, last }: Overdue): Omit<InstanceCaptured, "outcome"> {
  return {
    instance: instance.id,
    ...(instance.name === undefined ? {} : { name: instance.name }),
    job,
    ...(last === undefined ? {} : { last: last.toISOString() }),
  };
}

/** Looks once more whether it is still overdue: another sweep or its agent may have been there. */
async function captureOne(
  one: Overdue,
  claimed: Pick<Claimed<Overdue>, "holds"> | undefined,
  deps: SweepCreateDeps,
  signal: AbortSignal,
): Promise<Pick<InstanceCaptured, "outcome" | "point">> {
  const ready = await readyCapture(one, deps, signal);
  const { id } = one.instance;
  const first = claimed === undefined ? "held" : await claimed.holds(id, ready.tags);
  if (first === "lost") return { outcome: "claimed" };
  if (await isRecent(ready, first)) return { outcome: "recent" };
  if (claimed !== undefined) {
    // Answers take their time: the name that counts is the one that is there right before the request.
    const { instance } = await deps.discover(one.instance, signal);
    const last = await claimed.holds(id, instance.tags);
    if (last === "lost") return { outcome: "claimed" };
    if (last !== first && (await isRecent(ready, last))) return { outcome: "recent" };
  }
  return { outcome: "created", point: (await ready.capture()).id };
}

/** A listing of EC2 may leave out what is newest; that several do is far less likely. */
const looksInDoubt = 4;

/** Whether it was captured meanwhile. */
async function isRecent(ready: ReadyCapture, hold: Hold): Promise<boolean> {
  for (let looks = hold === "doubtful" ? looksInDoubt : 1; looks > 0; looks -= 1)
    if (await ready.isRecent()) return true;
  return false;
}
