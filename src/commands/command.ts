import type { DaemonHost } from "../agent/daemon.ts";
import type { HostProcess } from "../agent/this-host.ts";
import type { Command, GlobalOptions } from "../cli/command.ts";
import type { TerminalStreams } from "../cli/dialogue.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { Log } from "../core/ports.ts";

/** What a command prints and returns. */
export interface Result {
  readonly code: number;
  readonly json: object;
  /** What is printed is a document of its own already, such as a schema. */
  readonly whole?: boolean;
  readonly print: (out: Terminal) => void;
}

/** The process that a command runs in, as far as anything depends on it. */
interface ProcessFacts extends Omit<HostProcess, "runtimeDirectory"> {
  /** The version of Node. */
  readonly node: string;
  /** The Node that runs us. */
  readonly execPath: string;
  /** What was started, maybe by a link: beside its folder stand `policies`, `systemd` and `windows`. */
  readonly program: string;
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /** The terminal at which somebody can be asked; absent where stdin or stdout is none. */
  readonly terminal: () => TerminalStreams | undefined;
}

/** A log that has more to do than to write on the console. */
export interface OpenLog {
  /** Says it to all sinks but the console, for who has told it there. */
  readonly aside: Log;
  /** Delivers what can be delivered in time, and tells what could not. Never rejects. */
  close(): Promise<void>;
}

/** What a command is given beside its own words. */
export interface Context {
  readonly global: GlobalOptions;
  readonly host: ProcessFacts;
  readonly stop: AbortSignal;
  /** Who opens a log says so here: it is closed when the command has ended. */
  readonly opened: (log: OpenLog) => void;
  /** What to exit with after being told to stop. */
  readonly interruptedCode: () => number;
  /** For the command that stays: from now on a first signal drains and a second one hurries. */
  readonly stay: () => DaemonHost;
}

/** A command as it was asked for, of the given name. */
export type Asked<Name extends Command["name"]> = Extract<Command, { readonly name: Name }>;

/** Does the work of a command and says how it is printed. */
export type Execute<Name extends Command["name"]> = (
  command: Asked<Name>,
  context: Context,
) => Promise<Result>;
