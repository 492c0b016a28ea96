import { readdir, rename, stat, unlink } from "node:fs/promises";
import path from "node:path";
import type { Audit, CaptureMarks, CaptureNote, Journal } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";
import { isReport } from "../core/report-shape.ts";
import { withRun } from "../core/run-note.ts";
import type { AlarmsSeen } from "../core/status.ts";
import type { StoringNote } from "../core/storing-note.ts";
import type { VolumeSeen } from "../core/volume-ages.ts";
import { appendLine, readJson, replaceFile, unfinished } from "./atomic-file.ts";
import { readTrustedJson, type TrustedJson } from "./trusted-json.ts";

/** What this host remembers of one job on one instance. */
export interface JobState {
  readonly version: 1;
  readonly job: string;
  /** The last run that did something, or tried to. */
  readonly report?: RunReport;
  /** A capture whose run has not come to its report. */
  readonly note?: CaptureNote;
  /** What was being stored when its run died. */
  readonly storing?: readonly StoringNote[];
  /** The newest complete point that any run has seen; a run that could not list saw none. */
  readonly newest?: { readonly captured: string; readonly bytes: number };
  /** The last scheduled instant that a run has served. */
  readonly lastSlot?: string;
  /** When the age of the newest point was last told between runs. */
  readonly beat?: string;
  /** The newest copies of the job's volumes, as the last run saw them that could list. */
  readonly volumes?: readonly VolumeSeen[];
  /** The last runs, oldest first, as they were written; `readHistory` judges them. */
  readonly history?: unknown;
  /** The job's alarms, as they were last seen. */
  readonly alarms?: AlarmsSeen;
}

/**
 * The state of this host, in one directory per instance id: the state of another instance, such as
 * the one that an image was made from, is never taken for ours.
 */
export class StateDirectory {
  readonly directory: string;
  readonly instanceId: string;
  /** Jobs whose file is damaged or of a later version: nothing is remembered of them. */
  readonly unreadable: string[] = [];
  readonly #jobs = new Map<string, JobState>();

  private constructor(directory: string, instanceId: string) {
    this.directory = directory;
    this.instanceId = instanceId;
  }

  /** Opens the state and reads what is known of each job. A damaged file counts as none. */
  static async open(directory: string, instanceId: string): Promise<StateDirectory> {
    const state = new StateDirectory(directory, instanceId);
    for (const name of await list(state.#own())) {
      if (name.endsWith(unfinished)) await removeOld(path.join(state.#own(), name));
      if (!name.startsWith("job-") || !name.endsWith(".json")) continue;
      const job = name.slice("job-".length, -".json".length);
      const read = (await readJson(path.join(state.#own(), name))) as Partial<JobState> | undefined;
      if (read?.version === 1 && read.job === job) state.#jobs.set(job, withoutDamage(read as JobState));
      else state.unreadable.push(job);
    }
    return state;
  }

  /** True once any run here has captured or tried to. */
  get known(): boolean {
    return this.#jobs.size > 0;
  }

  jobs(): readonly JobState[] {
    return [...this.#jobs.values()];
  }

  job(name: string): JobState | undefined {
    return this.#jobs.get(name);
  }

  async update(name: string, change: (state: JobState) => JobState): Promise<void> {
    const file = path.join(this.#own(), `job-${name}.json`);
    const read = (await readJson(file)) as (Partial<JobState> & { version?: number }) | null | undefined;
    // Of a later version of this program, which may come back: set aside, not lost.
    if (read?.version !== undefined && read.version > 1) await rename(file, `${file}.v${read.version}`);
    const usable = read?.version === 1 && read.job === name;
    const current: JobState = usable ? (read as JobState) : { version: 1, job: name };
    const next = change(current);
    await replaceFile(file, `${JSON.stringify(next)}\n`);
    this.#jobs.set(name, next);
  }

  /** Records a finished run and the slot that it served, if it did, and that its capture came to an end. */
  async record(report: RunReport): Promise<void> {
    await this.update(report.job, (state) => {
      const { note, ...rest } = state;
      const lastSlot = servedSlot(report) ?? state.lastSlot;
      const seen = report.series?.newestComplete;
      return {
        ...rest,
        report,
        history: withRun(state.history, report),
        ...(seen === undefined ? {} : { newest: { captured: seen.captured, bytes: seen.bytes } }),
        ...(report.series?.volumes && { volumes: seenBefore(report.series.volumes, state.volumes) }),
        ...(note === undefined || note.run === report.run ? {} : { note }),
        ...(lastSlot === undefined ? {} : { lastSlot }),
      };
    });
  }

  journal(): Journal {
    return {
      begin: (job, note) => this.update(job, (state) => ({ ...state, note })),
      unfinished: (job) => this.#jobs.get(job)?.note,
      marksOf: (job) => marksIn(this.#jobs.get(job)?.report),
      storing: (job, note) => this.update(job, (state) => ({ ...state, storing: [...notesIn(state), note] })),
      stored: (job, point) =>
        this.update(job, ({ storing = [], ...state }) => {
          const left = notesIn({ storing }).filter((note) => note.point !== point);
          return left.length === 0 ? state : { ...state, storing: left };
        }),
      unjudged: (job) => notesIn(this.#jobs.get(job) ?? {}),
    };
  }

  audit(): Audit {
    return {
      append: (line) => appendLine(path.join(this.directory, "removals.jsonl"), JSON.stringify(line)),
    };
  }

  /**
   * The last configuration that was good, as it was written; the caller validates it. It names programs, so
   * one that somebody else could have written is not told, but why. `uid` is the agent's user.
   */
  lastGood(uid: number | undefined): Promise<TrustedJson> {
    return readTrustedJson(this.#lastGoodFile(), uid);
  }

  /** Written only when something but the date has changed, or others could have written what is there. */
  async keepGood(configuration: { readonly asOf: string }, uid: number | undefined): Promise<void> {
    const kept = (await this.lastGood(uid)).value as { asOf?: string } | undefined;
    if (JSON.stringify({ ...kept, asOf: configuration.asOf }) === JSON.stringify(configuration)) return;
    await replaceFile(this.#lastGoodFile(), `${JSON.stringify(configuration)}\n`);
  }

  #own(): string {
    return path.join(this.directory, this.instanceId);
  }

  #lastGoodFile(): string {
    return path.join(this.#own(), "last-good.json");
  }
}

/** The instance that last wrote its state here; for when the metadata service does not answer. */
export async function lastInstance(directory: string): Promise<string | undefined> {
  const ids = (await list(directory)).filter((name) => /^i-[0-9a-f]+$/.test(name));
  const dated = await Promise.all(
    ids.map(async (id) => ({ id, at: (await stat(path.join(directory, id))).mtimeMs })),
  );
  return dated.sort((a, b) => b.at - a.at)[0]?.id;
}

/** One that was told to stop before it had made anything has served no more than one that was killed. */
function servedSlot({ slot, outcome, problems }: RunReport): string | undefined {
  const isCut = outcome === "failed" && problems.some(({ kind }) => kind === "interrupted");
  return isCut ? undefined : slot;
}

/** How still the points of a report were held; the file may be older than what it is asked for. */
function marksIn(report: RunReport | undefined): ReadonlyMap<string, CaptureMarks> {
  const { stillness, points = [], planned } = report ?? {};
  if (stillness === undefined || planned === true) return new Map();
  const { achieved: consistency, frozenMs } = stillness;
  const marks = { consistency, ...(frozenMs === undefined ? {} : { frozenMs }) };
  return new Map(points.map(({ id }) => [id, marks]));
}

/** What could not be asked for is as it was when it was last seen. */
function seenBefore(now: readonly VolumeSeen[], before: unknown): readonly VolumeSeen[] {
  const earlier: readonly (VolumeSeen | null)[] = Array.isArray(before) ? before : [];
  return now.map((one) =>
    one.unseen === true ? { ...one, ...earlier.find((known) => known?.volume === one.volume) } : one,
  );
}

/** The file may have been changed by hand. */
function notesIn({ storing }: Pick<JobState, "storing">): readonly StoringNote[] {
  const isNote = (note: StoringNote | null) =>
    typeof note?.point === "string" && typeof note.repository === "string" && typeof note.source === "string";
  return Array.isArray(storing) ? storing.filter(isNote) : [];
}

/** A report that cannot be one is left out; what else is known of the job stays. */
function withoutDamage(state: JobState): JobState {
  const { report, ...rest } = state;
  return isReport(report) ? state : rest;
}

/** What a killed process left. A younger one may still be at work on it. */
async function removeOld(file: string): Promise<void> {
  try {
    if (Date.now() - (await stat(file)).mtimeMs > 3_600_000) await unlink(file);
  } catch {
    // Its writer has finished meanwhile, or only root may remove it.
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
