import { spawn } from "node:child_process";
import os from "node:os";
import { defaultSettings } from "../config/defaults.ts";
import { resolve } from "../config/resolve.ts";
import { type DaemonWaits, daemon, type RunningJob, type Timetable } from "../daemon/daemon.ts";
import type { Due } from "../daemon/jobs.ts";
import { wakeAt } from "../daemon/timetable.ts";
import { systemClock } from "../host/clock.ts";
import { serviceManager } from "../host/service.ts";
import type { AgentOptions } from "./wish.ts";

/** The process that the daemon lives in, and how to start another like it. */
export interface DaemonHost {
  /** Program, its options and the script. */
  readonly self: readonly string[];
  readonly config: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly onReload: (reload: () => void) => void;
  /** Aborts at the second signal. */
  readonly hurry: AbortSignal;
}

const minute = 60_000;

/** Wires the daemon to child processes, node-cron and the service manager. */
export async function runDaemon(options: AgentOptions, host: DaemonHost, stop: AbortSignal): Promise<void> {
  const { log } = options;
  const words = globalWords(options, host);
  const service = serviceManager(host.env, host.pid, (message) => log("warn", message));
  await daemon(
    {
      clock: systemClock,
      log,
      readTimetable: (signal) => readTimetable(host, words, signal),
      start: (due, missed, overlapped) => startRun(due, missed, overlapped, host, words),
      wakeAt,
      notify: service.notify,
      uptime: () => os.uptime() * 1000,
      waits: waitsOf(options, service.watchdogMs),
      onReload: host.onReload,
      hurry: host.hurry,
    },
    stop,
  );
}

function waitsOf({ loaded }: AgentOptions, watchdogMs: number | undefined): DaemonWaits {
  const settings = loaded.ok === true ? resolve({ tags: {}, file: loaded.file }).settings : defaultSettings;
  return {
    ...settings.daemon,
    retryEvery: minute,
    // Half the watchdog's time, as sd_watchdog_enabled(3) advises; else just often enough to notice a sleep.
    tick: Math.min(2 * minute, watchdogMs === undefined ? 2 * minute : watchdogMs / 2),
  };
}

/** What was said to the daemon is meant for its runs as well. */
function globalWords({ flags }: AgentOptions, { config }: DaemonHost): string[] {
  return [
    ...(config === undefined ? [] : ["--config", config]),
    ...(flags.logLevel === undefined ? [] : ["--log-level", flags.logLevel]),
  ];
}

/** Asks a process of its own, so that the SDK is never loaded here. */
async function readTimetable(
  host: DaemonHost,
  global: readonly string[],
  signal: AbortSignal,
): Promise<Timetable> {
  const text = await output(host, ["--json", ...global, "check-config"], signal);
  if (text === "") throw new Error("check-config ended without an answer");
  const checked = JSON.parse(text) as {
    instance?: string;
    timetable?: Timetable["jobs"];
    faults?: readonly string[];
    withoutTags?: { found: string };
    error?: { found: string };
  };
  if (checked.instance === undefined || checked.timetable === undefined) {
    throw new Error(checked.withoutTags?.found ?? checked.error?.found ?? "check-config named no instance");
  }
  const { instance, timetable, faults = [] } = checked;
  // Neither a good configuration nor a last good one: to be looked at again, not to be idle with.
  if (timetable.length === 0 && faults.length > 0) throw new Error(faults.join("; "));
  return { instance, jobs: timetable };
}

function output(host: DaemonHost, words: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program = "", ...before] = host.self;
    const child = spawn(program, [...before, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
      signal,
      // It only reads, so there is nothing that it would have to finish.
      killSignal: "SIGKILL",
    });
    // The timetable waits for nobody, not even for a process that cannot be ended.
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("check-config gave no answer within 2 min"));
    }, 2 * minute);
    child.once("close", () => clearTimeout(timer));
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

/** In a process group of its own: what stops the daemon at a terminal does not cut a run in two. */
function startRun(
  due: Due,
  missed: number,
  overlapped: number,
  host: DaemonHost,
  global: readonly string[],
): RunningJob {
  const [program = "", ...before] = host.self;
  const words = ["run", due.job, "--trigger", due.trigger, "--slot", due.slot.toISOString()];
  if (missed > 0) words.push("--missed", String(missed));
  if (overlapped > 0) words.push("--overlapped", String(overlapped));
  const child = spawn(program, [...before, ...global, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
    detached: true,
  });
  return {
    ended: new Promise((resolve) => {
      child.once("error", () => resolve(70));
      child.once("exit", (code, signal) =>
        resolve(code ?? (signal === null ? 70 : 128 + (os.constants.signals[signal] ?? 0))),
      );
    }),
    stop: () => void child.kill("SIGTERM"),
  };
}
