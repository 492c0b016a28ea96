import type { Distrust } from "../distrust.ts";
import type { Scheduler } from "../schedulers.ts";
import { cronScriptPath } from "./cron-script.ts";
import type { Authorship } from "./mark.ts";

/** What can start backups. */
export type InstallKind = "daemon" | "timer" | "cron-daily";

/** What the administrator said. */
export interface InstallWish {
  /** Whether the configuration has schedules of its own. */
  readonly scheduled?: boolean;
  /** Absent: what fits this host. */
  readonly kind?: InstallKind;
  /** Whether another scheduler may be put out of work. */
  readonly replace: boolean;
  /** Whether files may be replaced that somebody has changed. */
  readonly overwrite: boolean;
}

/** A file that is there, where install may want to write. */
export interface FoundFile {
  readonly text: string;
  readonly by: Authorship;
}

/** What of this host decides. Paths are absolute. */
export interface InstallFacts {
  readonly isRoot: boolean;
  readonly systemd: boolean;
  /** Whether scripts of /etc/cron.daily have a place here. */
  readonly cronDaily: boolean;
  readonly schedulers: readonly Scheduler[];
  /** Names of units that a package has installed. */
  readonly packaged: readonly string[];
  /** The units that come with the program, by name. */
  readonly units: Readonly<Record<string, string>>;
  /** Units of which systemd has read an older file. */
  readonly stale: readonly string[];
  readonly files: Readonly<Record<string, FoundFile>>;
  /** The words that start the program. */
  readonly program: readonly string[];
  /** Why others than root could exchange that program, or what it is made of. */
  readonly distrust: readonly Distrust[];
  /** Where the configuration is looked for. */
  readonly configuration: string;
  /** What an install that was cut off had begun to replace. */
  readonly unfinished?: Switching;
}

/** One scheduler in the place of others. */
export interface Switching {
  readonly to: InstallKind;
  readonly away: readonly string[];
}

/** A file as it is to be, and what is in its place. */
export interface PlannedFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
  readonly state: "new" | "unchanged" | "updated" | "overwritten" | "changed-by-others";
  readonly before?: string;
}

/** Something to do, in its order. Each may be done again. */
export type InstallStep =
  /** `before` is what is replaced: absent, there was nothing. */
  | {
      readonly do: "write";
      readonly path: string;
      readonly mode: number;
      readonly text: string;
      readonly before?: string;
    }
  /** `before` is what goes: absent, whatever it is. */
  | { readonly do: "remove"; readonly path: string; readonly before?: string }
  | { readonly do: "reload" }
  /** Enabled for every boot, and started. */
  | { readonly do: "enable"; readonly unit: string }
  | { readonly do: "restart"; readonly unit: string }
  /** Stopped, and not started at a boot any more. */
  | { readonly do: "disable"; readonly unit: string }
  /** Noted for who comes after a death. */
  | { readonly do: "begin-switch"; readonly switching: Switching }
  | { readonly do: "end-switch" };

/** Why nothing is done. */
export interface Obstacle {
  readonly what: string;
  readonly why: string;
  readonly command: string;
}

export interface InstallPlan {
  readonly kind: InstallKind;
  /** Why this one, where nobody said which. */
  readonly because?: string;
  readonly files: readonly PlannedFile[];
  readonly steps: readonly InstallStep[];
  readonly obstacles: readonly Obstacle[];
  /** Units of a package that are used as they are. */
  readonly packaged: readonly string[];
}

export const unitDirectory = "/etc/systemd/system";

/** The name under which the host knows the scheduler of a kind. */
export function schedulerName(kind: InstallKind): string {
  return kind === "cron-daily" ? cronScriptPath : unitOf[kind];
}

export const unitOf = { daemon: "ec2-backup.service", timer: "ec2-backup-run.timer" } as const;

/** What runs in the end. */
export const serviceOf = { daemon: "ec2-backup.service", timer: "ec2-backup-run.service" } as const;
