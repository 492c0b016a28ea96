import type { Trigger } from "../core/job.ts";
import type { LogLevel } from "../core/ports.ts";

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
      /** Milliseconds over which the start is spread. */
      readonly splay?: number;
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
  /** `metric`: one real point of a metric may be sent. */
  | { readonly name: "doctor"; readonly metric: boolean }
  /** `leftovers`: only what nobody is left to thaw. */
  | { readonly name: "thaw"; readonly leftovers: boolean }
  | {
      readonly name: "check-config";
      readonly schema: boolean;
      /** Only what the file says to the daemon, which asks a process of its own to stay small. */
      readonly settings?: true;
    };

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

export type Invocation =
  | { readonly kind: "command"; readonly command: Command; readonly global: GlobalOptions }
  /** Help or the version: printed as it is. */
  | { readonly kind: "text"; readonly text: string }
  /** Wrong usage, with what to type instead. */
  | { readonly kind: "usage"; readonly message: string };
