import type { DaemonHost } from "../agent/daemon.ts";
import type { AgentOptions } from "../agent/wish.ts";
import type { Command } from "../cli/command.ts";
import type { Terminal } from "../cli/terminal.ts";

/** What a command prints and returns. */
export interface Result {
  readonly code: number;
  readonly json: object;
  /** What is printed is a document of its own already, such as a schema. */
  readonly whole?: boolean;
  readonly print: (out: Terminal) => void;
}

/** What a command is given of the process that it runs in. */
export interface Context {
  readonly options: AgentOptions;
  readonly stop: AbortSignal;
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
