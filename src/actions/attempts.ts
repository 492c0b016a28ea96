import { consistencyOf, isLess, raises } from "../core/consistency.ts";
import { dataPlaces, misplaced } from "../core/data-places.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { HookFacts } from "../core/hook.ts";
import { appearedSince } from "../core/mount-map.ts";
import type { CaptureMarks, Prepared } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Consistency } from "../core/retention-policy.ts";
import type { CaptureScope } from "../core/selection.ts";
import { lessThanDemanded, madeAllTheSame } from "./less-consistent.ts";
import type { StillnessPlan } from "./plan-stillness.ts";
import type { HoldRecord, Quiesced } from "./quiesce.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

const heldTooLong = "HeldTooLong";

export interface Given {
  readonly request: RunRequest;
  readonly scope: CaptureScope;
  readonly deps: RunDeps;
  readonly plan: StillnessPlan;
  readonly prepared: Prepared;
  readonly pointId: string;
}

/** The attempts of one capture, of which the last one counts. */
export class Attempts {
  readonly #given: Given;
  readonly #signal: AbortSignal;
  #last: Quiesced<RecoveryPoint> | undefined;
  /** The longest time that filesystems stood still for an attempt, whatever became of it. */
  #frozenMs: number | undefined;
  /** What was mounted on captured volumes after the plan was made. */
  #appeared: readonly string[] = [];
  /** Why nobody knows what was mounted when EC2 captured. */
  #unseen: Failure | undefined;
  /** Why it cannot be told whether all was still held when EC2 captured. */
  #unknown: Failure | undefined;
  #count = 0;
  #rehearsed = false;

  constructor(given: Given, signal: AbortSignal) {
    this.#given = given;
    this.#signal = signal;
  }

  async attempt(): Promise<RecoveryPoint> {
    const { request, deps, scope, plan, prepared, pointId } = this.#given;
    const { clock } = deps;
    this.#count += 1;
    const { uses } = plan;
    if (uses.length === 0) {
      this.#enough([]);
      return prepared.capture(pointId, clock.now());
    }
    const { quiesced } = await import("./quiesce.ts");
    [this.#appeared, this.#unseen] = [[], undefined];
    const tools = {
      clock,
      facts: factsOf(request, scope),
      rehearse: async () => {
        if (!this.#rehearsed) await prepared.rehearse(pointId, clock.now(), this.#signal);
        this.#rehearsed = true;
      },
      lookAgain: () => this.#lookAgain(),
      lookBack: () => this.#lookBack(),
      warm: () => prepared.warm(this.#signal),
      sync: () => deps.host.sync(plan.flush),
      enough: (records: readonly HoldRecord[]) => this.#enough(records),
    };
    const quiet = await quiesced(uses, tools, this.#signal, (within, done) =>
      prepared.capture(pointId, clock.now(), inTime(within), done),
    );
    this.#last = quiet;
    for (const { frozen } of quiet.records)
      if (frozen !== undefined) this.#frozenMs = Math.max(this.#frozenMs ?? 0, Math.ceil(frozen.ms));
    if (quiet.value !== undefined) return quiet.value;
    const failure = failureOf(quiet.error, "capture");
    if (failure.kind === "unknown-outcome") this.#unknown = failure;
    if (failure.code !== heldTooLong || request.job.whenLess === "fail") throw quiet.error;
    this.#last = { ...quiet, problems: [...quiet.problems, failure] };
    return prepared.capture(pointId, clock.now());
  }

  /** A database whose data lie elsewhere was held for nothing. */
  async lookForData(): Promise<void> {
    const { request, deps, scope, plan } = this.#given;
    const last = this.#last;
    if (last?.value === undefined) return;
    const set = new Set(scope.expected.map(({ id }) => id));
    const problems: Failure[] = [];
    const records: HoldRecord[] = [];
    for (const one of last.records) {
      const config = request.job.hooks.find(({ name }) => name === one.hook);
      const places = config === undefined ? [] : dataPlaces(config, one.facts);
      const wrong = misplaced(one.hook, await deps.host.lying(places), plan.map, set);
      problems.push(...wrong);
      records.push(wrong.length > 0 && one.outcome === "held" ? { ...one, outcome: "lost" } : one);
    }
    this.#last = { ...last, records, problems: [...last.problems, ...problems] };
  }

  /** What the point deserves to be called; of a capture whose answer came late nobody can tell. */
  marks(): CaptureMarks {
    const records = this.#last?.value === undefined ? [] : this.#last.records;
    const frozenMs = this.#frozenMs;
    return { consistency: this.#judge(records), ...(frozenMs === undefined ? {} : { frozenMs }) };
  }

  tell(record: Recorder, found: Findings, made: boolean): void {
    const { plan, request } = this.#given;
    for (const problem of this.#last?.problems ?? []) record.report("error", problem);
    if (made && this.#unknown !== undefined) record.report("warning", adopted(this.#unknown));
    for (const path of this.#appeared) record.report("warning", appeared(path));
    if (this.#unseen !== undefined) record.report("error", this.#unseen);
    const { consistency, frozenMs } = this.marks();
    found.stillness = {
      demanded: plan.demanded,
      achieved: consistency,
      hooks: this.#last?.records ?? [],
      ...(this.#count > 1 ? { attempts: this.#count } : {}),
      ...(frozenMs === undefined ? {} : { frozenMs }),
    };
    if (made && isLess(consistency, plan.demanded))
      record.report("error", {
        ...lessThanDemanded(consistency, plan.demanded, request.job),
        remedy: madeAllTheSame,
      });
  }

  async #lookAgain(): Promise<void> {
    const { request, deps, scope, plan } = this.#given;
    const set = new Set(scope.expected.map(({ id }) => id));
    const { mounts } = await deps.host.mounts(request.discovery.volumes);
    const appeared = appearedSince(plan.map.mounts, mounts, set);
    this.#appeared = [...new Set([...this.#appeared, ...appeared])];
  }

  async #lookBack(): Promise<void> {
    try {
      await this.#lookAgain();
    } catch (error) {
      this.#unseen = failureOf(error, "look for what was mounted before the capture");
    }
  }

  #enough(records: readonly HoldRecord[]): void {
    const { plan, request } = this.#given;
    if (request.job.whenLess === "degrade") return;
    const consistency = this.#judge(records);
    if (isLess(consistency, plan.demanded))
      throw new BackupError(lessThanDemanded(consistency, plan.demanded, request.job));
  }

  #judge(records: readonly HoldRecord[]): Consistency {
    const { plan, request } = this.#given;
    const freeze = records.find(({ kind, outcome }) => kind === "freeze" && outcome === "held");
    // What was frozen is known for sure after the thaw only.
    const wanted = plan.freeze.freeze.flat().map(({ path }) => path);
    const frozen = freeze === undefined ? [] : (freeze.frozen?.mounts ?? wanted);
    const silent = new Set(request.job.hooks.filter((hook) => !raises(hook)).map(({ name }) => name));
    const outcomes = records
      .filter(({ hook }) => !silent.has(hook))
      .map(({ kind, outcome }) => ({ kind, held: outcome === "held" }));
    const straddling = [...plan.mounts.straddling, ...this.#appeared, ...(this.#unseen ? ["unseen"] : [])];
    return consistencyOf(outcomes, { ...plan.mounts, straddling, frozen });
  }
}

function adopted({ doing, found }: Failure): Failure {
  return {
    kind: "unknown-outcome",
    doing,
    found: `${found}; EC2 made the point all the same, but when, and whether all was held still then, nobody can tell`,
    code: "CalledCrash",
  };
}

function appeared(path: string): Failure {
  return {
    kind: "refused",
    doing: "hold still all that is captured",
    found: `${path} was mounted, or became writable, after the mounts had been looked at`,
    remedy: "a program that mounts what is captured should do so before the run",
  };
}

function factsOf({ job, run, trigger, discovery }: RunRequest, scope: CaptureScope): HookFacts {
  const volumes = scope.expected.map((volume) => volume.id);
  return { job: job.name, run, trigger, instanceId: discovery.instance.id, volumes };
}

function inTime(within: number | undefined): number | undefined {
  if (within === undefined || within >= 50) return within;
  throw new BackupError({
    kind: "refused",
    doing: "capture while everything is held still",
    found: "holding took so long that no time was left before the deadline",
    remedy: "look at the hooks' times in the report; allow a longer deadline or flush less",
    code: heldTooLong,
  });
}
