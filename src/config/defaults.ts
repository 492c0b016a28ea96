import type { Waits } from "../core/job.ts";
import type { SinkSettings, SyslogSettings } from "../core/log-sinks.ts";
import type { WrittenRepository } from "../core/stored-wish.ts";
import type { NotifySettings, OutputSettings } from "./outputs.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** The waits of a run where the file says nothing. */
export const defaultWaits: Waits = {
  request: 30 * second,
  capture: 30 * second,
  retryFor: 10 * minute,
  retryEvery: 15 * second,
  reconcileFor: 5 * minute,
  reconcileEvery: 2 * second,
  settleFor: 24 * hour,
  settleEvery: 15 * second,
};

/** When the daemon backs up an instance that tags alone put under protection. */
export const defaultSchedule = "0 2 * * *";

/**
 * Over how long instances spread their scheduled runs, in milliseconds: EC2 takes 5 CreateSnapshots a second of an account,
 * rehearsals among them, so that 10,000 instances that rehearse need 74 minutes and some room.
 */
export const defaultSplay = 90 * minute;

/** The zone of schedules and retention where the file says nothing. */
export const defaultTimezone = "UTC";

export const logLevels = ["error", "warn", "info", "debug"] as const;
export const logFormats = ["auto", "text", "json", "journal"] as const;
export const dimensions = ["Server", "Job", "Drive"] as const;
export const dialects = ["none", "seed2"] as const;

/** What is configured once for all jobs. Durations are in milliseconds. */
export interface Settings {
  readonly metrics: {
    readonly namespace: string;
    readonly dimensions: readonly (typeof dimensions)[number][];
    readonly enabled: boolean;
  };
  /** The rest of what the file says of metrics; absent = all of them, in CloudWatch. */
  readonly outputs?: OutputSettings;
  readonly notify?: NotifySettings;
  /** Who this host is where there is no EC2. */
  readonly host?: { readonly name: string };
  /** By name, as the file has them: what they mean where they are silent is decided where they are used. */
  readonly repositories?: Readonly<Record<string, WrittenRepository>>;
  /** The zone of repositories that name none. */
  readonly timezone?: string;
  readonly log: SinkSettings & {
    readonly level: (typeof logLevels)[number];
    readonly format: (typeof logFormats)[number];
  };
  /** Absent = the usual place of the operating system, which the caller knows. */
  readonly stateDirectory?: string;
  readonly daemon: {
    /** How long after boot the daemon waits before it catches up. */
    readonly bootDelay: number;
    /** How long a stopping daemon lets a run go on. */
    readonly stopWithin: number;
  };
}

export const defaultSettings: Settings = {
  metrics: { namespace: "EC2Backup", dimensions: ["Server", "Job"], enabled: true },
  log: { level: "info", format: "auto", flushWithin: second, eventLog: false },
  daemon: { bootDelay: 10 * minute, stopWithin: 5 * minute },
};

/** What of a sink the file does not say. */
export const defaultLogFile = { maxSize: 10 * 1024 * 1024, maxFiles: 5 };

export const defaultSyslog: SyslogSettings = {
  protocol: "local",
  host: "127.0.0.1",
  port: 514,
  socket: "/dev/log",
  facility: "daemon",
  appName: "ec2-backup",
  queue: 1_000,
};
