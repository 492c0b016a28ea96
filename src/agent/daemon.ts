import { spawn } from "node:child_process";
import os from "node:os";
import type { Settings } from "../config/defaults.ts";
import { drillPrefix } from "../core/drill.ts";
import { BackupError, type Failure } from "../core/errors.ts";
import type { Log, LogLevel } from "../core/ports.ts";
import type { RootNews } from "../core/root-news.ts";
import { namedUpkeep } from "../core/upkeep-names.ts";
import { type DaemonWaits, daemon, type Timetable } from "../daemon/daemon.ts";
import type { Due } from "../daemon/jobs.ts";
import type { RunningJob } from "../daemon/running.ts";
import { wakeAt } from "../daemon/timetable.ts";
import { systemClock } from "../host/clock.ts";
import { collectGarbage } from "../host/collect-garbage.ts";
import { serviceManager } from "../host/service.ts";
import { withFirstSeen } from "../host/unserved-jobs.ts";
import { answerOf } from "./ask.ts";
import { thawer } from "./thaw-leftovers.ts";
import { unlocker } from "./unlock-leftovers.ts";

/** The process that the daemon lives in, and how to start another like it. */
export interface DaemonHost {
  /** Program, its options and the script. */
  readonly self: readonly string[];
  readonly config: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly onReload: (reload: () => void) => void;
  /** Aborts at the second signal. */
  readonly hurry: AbortSignal;
}

const minute = 60_000;

/** What the configuration file says to the daemon itself, and where ledgers and locks would lie. */
export type DaemonSettings = Pick<Settings, "log" | "daemon"> & {
  readonly runtimeDirectory: string;
  readonly stateDirectory: string;
};

/**
 * Asks a process of its own, so that nothing that reads a configuration stays here: an idle daemon would hold
 * it for months. Nothing if told to stop meanwhile.
 */
export async function daemonSettings(
  host: DaemonHost,
  stop: AbortSignal,
): Promise<DaemonSettings | undefined> {
  const words = ["--json", ...globalWords(host), "check-config", "--settings"];
  const text = await answerOf(host.self, words, stop).catch((error: unknown) => {
    if (stop.aborted) return undefined;
    throw unanswered(error instanceof Error ? error.message : String(error));
  });
  if (text === undefined) return undefined;
  if (text === "") throw unanswered("check-config ended without an answer");
  const { settings, error } = JSON.parse(text) as { settings?: DaemonSettings; error?: Failure };
  if (settings !== undefined) return settings;
  throw error === undefined ? unanswered("check-config told no settings") : new BackupError(error);
}

function unanswered(found: string): BackupError {
  return new BackupError({ kind: "unexpected", doing: "read the configuration", found });
}

/** Wires the daemon to child processes, node-cron and the service manager. */
export async function runDaemon(
  log: Log,
  { daemon: waits, runtimeDirectory, stateDirectory }: Omit<DaemonSettings, "log">,
  host: DaemonHost,
  stop: AbortSignal,
): Promise<void> {
  const words = globalWords(host);
  const service = serviceManager(host.env, host.pid, (message) => log("warn", message));
  const thawLeftovers = thawer(host.self, words, runtimeDirectory, log);
  const unlockLeftovers = unlocker(host.self, words, stateDirectory, log);
  await daemon(
    {
      clock: systemClock,
      log,
      readTimetable: async (signal) => {
        const { jobs, ...timetable } = await readTimetable(host, words, signal);
        const known = await withFirstSeen(stateDirectory, timetable.instance, jobs, systemClock);
        collectGarbage("all");
        return { ...timetable, jobs: known };
      },
      start: (due, missed, overlapped) => startRun(host, [...words, ...runWords(due, missed, overlapped)]),
      ending: async (house) => {
        const { endingOf } = await import("./ending.ts");
        return endingOf({ ...house, clock: systemClock, log }, (more) => startRun(host, [...words, ...more]));
      },
      thawLeftovers: () => {
        thawLeftovers();
        unlockLeftovers();
      },
      wakeAt,
      notify: service.notify,
      uptime: () => os.uptime() * 1000,
      waits: waitsOf(waits, service.watchdogMs),
      onReload: host.onReload,
      hurry: host.hurry,
    },
    stop,
  );
}

function waitsOf(waits: Settings["daemon"], watchdogMs: number | undefined): DaemonWaits {
  const tick = Math.min(2 * minute, watchdogMs === undefined ? 2 * minute : watchdogMs / 2);
  return {
    ...waits,
    retryEvery: minute,
    // Half the watchdog's time, as sd_watchdog_enabled(3) advises; else just often enough to notice a sleep.
    tick,
    // A question takes 2 min at most, and a turn begins no later than a tick after the one before.
    longestTurn: 3 * minute + tick,
  };
}

/** What was said to the daemon is meant for its runs as well. */
function globalWords({ config, logLevel }: DaemonHost): string[] {
  return [
    ...(config === undefined ? [] : ["--config", config]),
    ...(logLevel === undefined ? [] : ["--log-level", logLevel]),
  ];
}

/** Asks a process of its own, so that the SDK is never loaded here. */
async function readTimetable(
  host: DaemonHost,
  global: readonly string[],
  signal: AbortSignal,
): Promise<Timetable> {
  const text = await answerOf(host.self, ["--json", ...global, "check-config"], signal);
  if (text === "") throw new Error("check-config ended without an answer");
  const checked = JSON.parse(text) as {
    instance?: string;
    timetable?: Timetable["jobs"];
    root?: RootNews;
    termination?: Timetable["termination"];
    faults?: readonly string[];
    withoutTags?: { found: string };
    error?: { found: string };
  };
  if (checked.instance === undefined || checked.timetable === undefined) {
    throw new Error(checked.withoutTags?.found ?? checked.error?.found ?? "check-config named no instance");
  }
  const { instance, timetable, root, termination, faults = [] } = checked;
  // Neither a good configuration nor a last good one: to be looked at again, not to be idle with.
  if (timetable.length === 0 && faults.length > 0) throw new Error(faults.join("; "));
  return { instance, jobs: timetable, ...(root && { root }), ...(termination && { termination }) };
}

/** What is said to the process of a run, or of a drill or of a repository's upkeep, which ask for less. */
export function runWords({ job, trigger, slot }: Due, missed: number, overlapped: number): string[] {
  const when = ["--trigger", trigger, "--slot", slot.toISOString()];
  if (job.startsWith(drillPrefix)) return ["drill", job.slice(drillPrefix.length), ...when];
  const upkeep = namedUpkeep(job);
  if (upkeep !== undefined) return ["repository", upkeep.kind, upkeep.repository, ...when];
  return [
    "run",
    job,
    ...when,
    ...(missed > 0 ? ["--missed", String(missed)] : []),
    ...(overlapped > 0 ? ["--overlapped", String(overlapped)] : []),
  ];
}

/** In a process group of its own: what stops the daemon at a terminal does not cut a run in two. */
function startRun({ self: [program = "", ...before] }: DaemonHost, words: readonly string[]): RunningJob {
  const child = spawn(program, [...before, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
    detached: true,
  });
  return {
    pid: child.pid,
    ended: new Promise((resolve) => {
      child.once("error", () => resolve(70));
      child.once("exit", (code, signal) =>
        resolve(code ?? (signal === null ? 70 : 128 + (os.constants.signals[signal] ?? 0))),
      );
    }),
    stop: () => void child.kill("SIGTERM"),
  };
}
