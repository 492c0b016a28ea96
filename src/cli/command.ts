import type { InstallKind } from "../core/install/words.ts";
import type { Trigger } from "../core/job.ts";
import type { MachineWish } from "../core/machine-wish.ts";
import type { PolicyPlace } from "../core/policy-fill.ts";
import type { LogLevel } from "../core/ports.ts";
import type { RestoreWish } from "../core/restore-plan.ts";
import type { Initialize, MountWish, PointQuery } from "../core/restore-query.ts";
import type { DirectoryAction, RestoreDirectoryAction } from "./directory-action.ts";
import type { RestoreFilesAction, RestoreSearchAction } from "./restore-files-action.ts";
import type { SweepAction } from "./sweep-action.ts";

/** What every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json: boolean;
  readonly logLevel?: LogLevel;
  readonly color: boolean;
}

/** What was asked for. One shape per command, nothing of how it was typed. */
export type Command =
  | {
      readonly name: "run";
      readonly jobs: readonly string[];
      readonly all: boolean;
      readonly wait: boolean;
      readonly dryRun: boolean;
      /** Only what went wrong is told. */
      readonly quiet?: true;
      /** Milliseconds over which the start is spread. */
      readonly splay?: number;
      /** One last run before the instance ends: on a notice, within so many milliseconds. */
      readonly last?: { readonly notice?: string; readonly within?: number };
      readonly trigger: Trigger;
      readonly slot?: string;
      readonly missed?: number;
      readonly overlapped?: number;
    }
  | { readonly name: "plan"; readonly jobs: readonly string[]; readonly all: boolean }
  | { readonly name: "daemon" }
  | { readonly name: "list"; readonly jobs: readonly string[] }
  | { readonly name: "explain"; readonly snapshot: string }
  | {
      readonly name: "prune";
      readonly jobs: readonly string[];
      readonly all: boolean;
      readonly yes: boolean;
      readonly dryRun: boolean;
    }
  | {
      readonly name: "copy";
      readonly jobs: readonly string[];
      readonly wait: boolean;
      readonly dryRun: boolean;
    }
  | { readonly name: "forget"; readonly volume: string; readonly yes: boolean; readonly dryRun: boolean }
  /** `ask`: whether AWS is asked; `if-unsure`: where what this host remembers does not say that all is well. */
  | { readonly name: "status"; readonly ask: "always" | "never" | "if-unsure" }
  | {
      readonly name: "report";
      readonly jobs: readonly string[];
      /** Absent: by the ending of `output`; without one HTML, or Markdown on a terminal. */
      readonly format?: "html" | "md" | "json";
      readonly output?: string;
    }
  | ({ readonly name: "alarms" } & AlarmsAction)
  | ({ readonly name: "restore" } & RestoreAction)
  | ({ readonly name: "directory" } & DirectoryAction)
  | {
      readonly name: "drill";
      readonly drills: readonly string[];
      readonly point?: string;
      readonly dryRun: boolean;
      readonly trigger: Exclude<Trigger, "termination">;
      /** The scheduled instant that it serves, ISO 8601. */
      readonly slot?: string;
    }
  /** `form`: filled in for a place, or as a template that makes a role of them. */
  | {
      readonly name: "policy";
      readonly policies: readonly string[];
      readonly form: "plain" | "cloudformation" | "terraform";
      readonly place: PolicyWish;
    }
  | {
      readonly name: "install";
      /** Absent: what fits the host. */
      readonly kind?: InstallKind | "windows-task";
      readonly replace: boolean;
      readonly overwrite: boolean;
      readonly yes: boolean;
      readonly dryRun?: true;
      /** Whether doctor and a plan follow. */
      readonly check: boolean;
    }
  | { readonly name: "uninstall"; readonly purge: boolean; readonly yes: boolean; readonly dryRun?: true }
  | ({ readonly name: "repository" } & RepositoryAction)
  | ({ readonly name: "sweep" } & SweepAction)
  /** `metric`: one real point of a metric may be sent. `proveBinding`: dry runs of what the role must not do. */
  | { readonly name: "doctor"; readonly metric: boolean; readonly proveBinding?: true }
  /** `leftovers`: only what nobody is left to thaw. */
  | { readonly name: "thaw"; readonly leftovers: boolean }
  | {
      readonly name: "check-config";
      readonly schema: boolean;
      /** Only what the file says to the daemon, which asks a process of its own to stay small. */
      readonly settings?: true;
      /** Nothing is printed but what is wrong. */
      readonly quiet?: true;
    };

/** What the command line says of the place that policies are for; the rest is looked up. */
type PolicyWish = Partial<
  Pick<PolicyPlace, "partition" | "region" | "account" | "namespace" | "lockDays" | "bucket">
> &
  Pick<PolicyPlace, "topics" | "keys">;

/** What is to be done with alarms. */
export type AlarmsAction =
  | { readonly action: "plan" }
  | { readonly action: "resume" }
  | { readonly action: "apply" | "remove"; readonly dryRun: boolean }
  /** `waitFor`: milliseconds for the actions of an alarm to show in its history. */
  | { readonly action: "test"; readonly waitFor?: number }
  | { readonly action: "pause"; readonly onPowerOff: boolean }
  | { readonly action: "beat"; readonly jobs: readonly string[] }
  | { readonly action: "dashboard"; readonly fleet: boolean; readonly dryRun: boolean };

/** What is to be done with repositories: those of the names, or every one that it can be done with. */
export type RepositoryAction = {
  readonly repositories: readonly string[];
  readonly dryRun: boolean;
  readonly trigger: Trigger;
  /** The scheduled instant that it serves, ISO 8601. */
  readonly slot?: string;
} & (
  | { readonly action: "list" }
  /** `left`: only what killed upkeep of this host has left, and says so to a program. */
  | { readonly action: "unlock"; readonly left: boolean }
  /** `anew`: also where this host knew one that is not there any more. */
  | { readonly action: "init"; readonly anew: boolean }
  /** `structureOnly`: none of the data is read. `removeEmpty`: empty files of snapshots may go. */
  | { readonly action: "check"; readonly structureOnly: boolean; readonly removeEmpty: boolean }
  /** `keep`: rules of what stays whatever the hosts have recorded. */
  | { readonly action: "prune"; readonly forget: boolean; readonly keep?: string; readonly yes: boolean }
  | { readonly action: "mirror"; readonly allHosts: boolean; readonly yes: boolean }
);

/** What is to be brought back. */
export type RestoreAction =
  | { readonly action: "list"; readonly query: PointQuery }
  | {
      readonly action: "volumes";
      readonly query: PointQuery;
      readonly wish: RestoreWish;
      readonly mount?: MountWish;
      readonly initialize?: Initialize;
      /** Without it only the plan is shown. */
      readonly yes: boolean;
      /** Nobody is asked either. */
      readonly dryRun?: true;
    }
  | RestoreFilesAction
  | RestoreDirectoryAction
  | RestoreSearchAction
  | {
      readonly action: "replace";
      readonly query: PointQuery;
      readonly wish: RestoreWish;
      readonly stop: boolean;
      readonly keepNew: boolean;
      readonly yes: boolean;
    }
  | {
      readonly action: "undo-replace";
      readonly restore?: string;
      readonly instance?: string;
      readonly keepNew: boolean;
      readonly yes: boolean;
    }
  | {
      readonly action: "instance";
      readonly query: PointQuery;
      readonly wish: MachineWish;
      readonly userData: { readonly none: boolean; readonly file?: string; readonly differs: boolean };
      readonly keepImage: boolean;
      /** Without it only the plan is shown. */
      readonly yes: boolean;
    }
  | { readonly action: "undo-instance"; readonly restore?: string; readonly yes: boolean }
  /** `restore`: one restore, also if it is finished. */
  | {
      readonly action: "undo";
      readonly restore?: string;
      readonly yes: boolean;
      readonly dryRun?: true;
    };

export type Invocation =
  | { readonly kind: "command"; readonly command: Command; readonly global: GlobalOptions }
  /** Help or the version: printed as it is. */
  | { readonly kind: "text"; readonly text: string }
  /** Wrong usage, with what to type instead. */
  | { readonly kind: "usage"; readonly message: string };
