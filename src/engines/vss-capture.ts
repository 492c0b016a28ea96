import type { Connection } from "../aws/connection.ts";
import { connectRunCommand, type RunCommand, type RunState } from "../aws/run-command.ts";
import { tagResources } from "../aws/tag-resources.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { VssMode } from "../core/job.ts";
import { descriptionOf, tagsOf } from "../core/point-tags.ts";
import type { CaptureOrder, Clock, Engine } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { isAppConsistent, tagsForVss } from "../core/vss.ts";

/** Waits of one VSS capture, in milliseconds. */
export interface VssWaits {
  /** The pause between two looks at the command. */
  readonly every: number;
  /** How long the command may take; at first it also installs the components of AWS. */
  readonly within: number;
  /** How long its snapshots are looked for when it has succeeded, and when it has failed. */
  readonly seenWithin: number;
  readonly lookAfterFailure: number;
}

const vssWaits: VssWaits = {
  every: 2_000,
  within: 900_000,
  seenWithin: 60_000,
  lookAfterFailure: 6_000,
};

/** What a VSS capture is made with. */
export interface VssTools {
  readonly mode: VssMode;
  readonly connection: Connection;
  readonly version: string;
  readonly clock: Clock;
  /** `win32` where there is such a thing. */
  readonly platform: string;
  readonly waits?: VssWaits;
}

/** AWS recommends this one: it brings its components up to date first (EC2 user guide, VSS snapshot documents). */
const document = "AWSEC2-VssInstallAndSnapshot";

/** What became of it: `because` says why there is less than was wanted. */
export interface VssOutcome {
  /** Only a whole one. */
  readonly point?: RecoveryPoint;
  /** Whether the command was started: then it may have made snapshots under the id, or may do so yet. */
  readonly started: boolean;
  readonly because: Failure;
  readonly problems: readonly Failure[];
}

/** One capture by VSS, under the id of its point. */
export class VssCapture {
  readonly #order: CaptureOrder;
  readonly #pointId: string;
  readonly #captured: Date;
  readonly #find: Engine["find"];
  readonly #tools: VssTools;
  readonly #waits: VssWaits;
  readonly #signal = new AbortController().signal;

  constructor(order: CaptureOrder, pointId: string, captured: Date, find: Engine["find"], tools: VssTools) {
    this.#order = order;
    this.#pointId = pointId;
    this.#captured = captured;
    this.#find = find;
    this.#tools = tools;
    this.#waits = tools.waits ?? vssWaits;
  }

  /** Throws where it is not known whether there will be a point, and where AWS wants to be asked later. */
  async run(): Promise<VssOutcome> {
    if (this.#tools.platform !== "win32")
      return less("VSS is a part of Windows, and this is no Windows", false);
    const tags = this.#tags();
    let state: RunState;
    try {
      state = await this.#command(connectRunCommand(this.#tools.connection), tags.text);
    } catch (error) {
      const failure = failureOf(error, "capture by VSS");
      if (failure.kind === "unknown-outcome" || failure.kind === "throttled") throw error;
      return less(failure.found, false, [], failure);
    }
    const problems = tags.lost.map(lostTag);
    if (state.ended !== "success") {
      const found = await this.#look(this.#waits.lookAfterFailure, () => true);
      const because = `the command failed (${state.said})`;
      if (found === undefined || !this.#isWhole(found))
        return less(because, true, problems, remnantOf(found));
      return { ...less(because, true, problems), point: { ...found, consistency: "crash" } };
    }
    const point = await this.#look(this.#waits.seenWithin, isAppConsistent);
    if (point === undefined) throw unseen(this.#pointId);
    if (!this.#isWhole(point))
      return less("it succeeded, but not for all volumes", true, problems, remnantOf(point));
    if (!isAppConsistent(point))
      return { ...less("it succeeded, but not all snapshots say AppConsistent", true, problems), point };
    return {
      point,
      started: true,
      because: nothing,
      problems: [...problems, ...(await this.#tagLater(point, tags.later))],
    };
  }

  #tags() {
    const { job, instance, scope, runId, asOf, mounts } = this.#order;
    const known = mounts?.();
    const { tags } = tagsOf({
      pointId: this.#pointId,
      runId,
      job,
      instance,
      captured: this.#captured,
      ...(asOf === undefined ? {} : { asOf }),
      volumes: scope.expected,
      ...(known === undefined ? {} : { mounts: known }),
      version: this.#tools.version,
    });
    return tagsForVss(tags);
  }

  /** Sends the command and waits for its end. */
  async #command(run: RunCommand, tags: string): Promise<RunState> {
    const { instance, scope, job } = this.#order;
    const { clock, mode } = this.#tools;
    const yes = (one: boolean): string => (one ? "True" : "False");
    const id = await run.send({
      instanceId: instance.id,
      document,
      comment: `ec2-backup ${this.#pointId}`,
      parameters: {
        ExcludeBootVolume: yes(scope.excludeRoot),
        CopyOnly: yes(mode === "copy-only"),
        NoWriters: yes(mode === "no-writers"),
        description: inLetters(descriptionOf(instance, job.name)),
        tags,
      },
    });
    const until = clock.elapsed() + this.#waits.within;
    let trouble = "it did not end";
    for (let pause = Math.min(500, this.#waits.every); clock.elapsed() < until; pause = this.#waits.every) {
      await clock.sleep(pause, this.#signal);
      try {
        const state = await run.look(id, instance.id, this.#signal);
        if (state.ended !== undefined) return state;
        trouble = `it did not end (${state.said})`;
      } catch (error) {
        // It works on without us; what is denied stays denied, and then only the snapshots can tell.
        trouble = failureOf(error, "ask").found;
      }
    }
    const found = `${trouble} within ${this.#waits.within / 1000} s`;
    throw new BackupError({ kind: "unknown-outcome", doing: `capture by VSS (command ${id})`, found });
  }

  /** The point, once EC2 shows all of it and it `suits`; after the time what there is by then. */
  async #look(within: number, suits: (point: RecoveryPoint) => boolean): Promise<RecoveryPoint | undefined> {
    const { clock } = this.#tools;
    const until = clock.elapsed() + within;
    let best: RecoveryPoint | undefined;
    for (;;) {
      const found = await this.#find(this.#pointId, this.#signal).catch(() => undefined);
      best = found ?? best;
      if (found !== undefined && this.#isWhole(found) && suits(found)) return found;
      if (clock.elapsed() >= until) return best;
      await clock.sleep(Math.min(this.#waits.every, within), this.#signal);
    }
  }

  #isWhole({ snapshots }: RecoveryPoint): boolean {
    const seen = new Set(snapshots.map(({ volumeId }) => volumeId));
    return this.#order.scope.expected.every(({ id }) => seen.has(id));
  }

  async #tagLater(point: RecoveryPoint, later: Readonly<Record<string, string>>): Promise<Failure[]> {
    if (Object.keys(later).length === 0) return [];
    const ids = point.snapshots.map(({ id }) => id);
    try {
      await tagResources(this.#tools.connection, ids, later, this.#signal);
      return [];
    } catch (error) {
      const { kind, found } = failureOf(error, "tag the snapshots");
      const doing = `put the tags ${Object.keys(later).join(", ")} on the snapshots, which VSS cannot`;
      return [{ kind, doing, found }];
    }
  }
}

const nothing: Failure = { kind: "unexpected", doing: "capture by VSS", found: "nothing went wrong" };

interface Cause {
  readonly kind?: Failure["kind"];
  readonly remedy?: string | undefined;
  readonly code?: string | undefined;
  /** What is left of it, for people to know. */
  readonly left?: string;
}

function less(
  found: string,
  started: boolean,
  problems: readonly Failure[] = [],
  { kind = "refused", remedy, code, left = "" }: Cause = {},
): VssOutcome {
  const because: Failure = {
    kind,
    doing: "capture by VSS",
    found: `${found}${left}`,
    remedy: remedy ?? "see the log of AWS's components in C:\\ProgramData\\Amazon\\AwsVss\\Logs",
    ...(code === undefined ? {} : { code }),
  };
  return { started, because, problems: [...problems, because] };
}

function remnantOf(point: RecoveryPoint | undefined): Cause {
  if (point === undefined) return {};
  const ids = point.snapshots.map(({ id }) => id).join(", ");
  return { left: `; of its point ${point.id} there is only a part, ${ids}, which stays as a partial point` };
}

function lostTag(key: string): Failure {
  return {
    kind: "refused",
    doing: `put the tag ${key} on the snapshots`,
    found: "VSS leaves no room for it",
  };
}

function unseen(pointId: string): BackupError {
  const found = `it succeeded, but no snapshot of point ${pointId} is seen`;
  return new BackupError({ kind: "unknown-outcome", doing: "capture by VSS", found });
}

/** What the document takes of a description is not documented; letters that its tags take will do. */
function inLetters(text: string): string {
  return text.replace(/[^A-Za-z0-9() ./\-@_+:=]/g, "_").slice(0, 255);
}
