import { concealer, secretsOf } from "../core/conceal.ts";
import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Held, Holding, Hook, HookFacts, PreparedHook } from "../core/hook.ts";
import type { CommandHookConfig } from "../core/hook-config.ts";
import { endLeftBehind, type Kill, type LeftBehind } from "../host/process-group.ts";
import { type CommandEnd, type CommandManners, runCommand } from "../host/run-command.ts";
import { environmentOf } from "./command-environment.ts";
import { failureOfEnd, failureOfLog } from "./command-failure.ts";
import { type PreparedCommands, prepareCommands } from "./prepare-commands.ts";

/** What a command hook needs of the agent's process. Times are in milliseconds. */
export interface CommandHost {
  /** The agent's user; absent on Windows, where there are no command hooks. */
  readonly uid: number | undefined;
  /** `process.kill`. */
  readonly kill: Kill;
  /** Between SIGTERM and SIGKILL; default 5 s. */
  readonly grace?: number;
  /** How long to wait for output that something else still may write when a command has ended; default 250 ms. */
  readonly drain?: number;
}

/** Bytes of output that are held for a failure. */
const keep = 8 * 1024;

/**
 * Programs of the user around the capture.
 *
 * - A list of words is run without a shell; a text is given to `/bin/sh -c`.
 * - `before` must end with 0. If it fails, is too late or is interrupted, its whole process group is ended
 *   and `after` does not run: a `before` that fails must itself undo what it has done.
 * - `after` runs whenever `before` succeeded or there is none, whatever happened since, with a timeout of
 *   its own that no signal shortens. If it fails, that is a problem of a point that was held all the same.
 * - What `before` leaves running in its process group, such as a client that holds a lock, is left alone
 *   until `after` has run and is then ended; what is to outlive it must begin a session of its own.
 * - The program, everything on the way to it and what its links lead to must be writable by nobody but root,
 *   the agent's user and the user that it runs as, who could harm itself alone. So must be the programs that
 *   its arguments, or the words of a shell line, name by absolute paths; what else they come to run cannot be
 *   known and is not judged.
 */
export function commandHook(config: CommandHookConfig, host: CommandHost): Hook {
  const { name, onFailure } = config;
  return {
    name,
    kind: "command",
    onFailure,
    async prepare(facts, signal) {
      return new PreparedCommandHook(config, host, facts, await prepareCommands(config, host.uid, signal));
    },
  };
}

class PreparedCommandHook implements PreparedHook {
  readonly #config: CommandHookConfig;
  readonly #manners: CommandManners;
  readonly #facts: HookFacts;
  readonly #commands: PreparedCommands;
  #left: LeftBehind[] = [];

  constructor(config: CommandHookConfig, host: CommandHost, facts: HookFacts, commands: PreparedCommands) {
    const { uid, kill, grace = 5_000, drain = 250 } = host;
    this.#config = config;
    this.#manners = { uid, kill, grace, drain, keep };
    this.#facts = facts;
    this.#commands = commands;
  }

  async hold(signal: AbortSignal): Promise<Held> {
    const before = await this.#run("before", undefined, signal);
    if (before.failure !== undefined) throw new BackupError(before.failure);
    let released: Promise<Holding> | undefined;
    return {
      release: (captured) => {
        released ??= this.#release(captured, before);
        return released;
      },
    };
  }

  async close(): Promise<void> {
    const left = this.#left;
    this.#left = [];
    const { grace, kill } = this.#manners;
    await Promise.allSettled(left.map((one) => endLeftBehind(one, grace, kill)));
  }

  async #release(captured: boolean, before: Story): Promise<Holding> {
    const after = await this.#run("after", captured).catch((error: unknown) => ({
      failure: failureOf(error, this.#doing("after")),
    }));
    await this.close();
    const stories: Record<string, Story> = { before, after };
    const facts = Object.entries(stories).flatMap(([which, { end }]) =>
      end === undefined ? [] : [[which, `${Math.round(end.ms)} ms`] as const],
    );
    const problems = [before.log, after.failure, "log" in after ? after.log : undefined];
    return {
      held: true,
      problems: problems.filter((one) => one !== undefined),
      facts: Object.fromEntries(facts),
    };
  }

  async #run(which: "before" | "after", captured?: boolean, signal?: AbortSignal): Promise<Story> {
    const { timeout, log, env: configured } = this.#config;
    const words = this.#commands[which];
    const doing = this.#doing(which);
    if (signal?.aborted === true) return { failure: interrupted(doing) };
    if (words === undefined) return {};
    const { account, switched } = this.#commands;
    const env = environmentOf(this.#facts, which, account, configured, captured);
    const heading = `job ${this.#facts.job}, run ${this.#facts.run}: ${which}`;
    const order = {
      words,
      env,
      timeout,
      ...(switched && account !== undefined ? { account } : {}),
      ...(log === undefined ? {} : { log: { file: log, heading } }),
    };
    const end = await runCommand(order, this.#manners, signal);
    const failure = failureOfEnd(end, {
      doing,
      timeout,
      path: env["PATH"] ?? "",
      conceal: concealer(secretsOf(env)),
      ...(log === undefined ? {} : { log }),
    });
    if (end.left !== undefined) this.#left.push(end.left);
    // A failure leaves nothing held, thus nothing that could hold it.
    if (failure !== undefined) await this.close();
    const logFailure = log === undefined ? undefined : failureOfLog(end, log);
    return {
      end,
      ...(failure === undefined ? {} : { failure }),
      ...(logFailure === undefined ? {} : { log: logFailure }),
    };
  }

  #doing(which: "before" | "after"): string {
    return `run ${which} of ${this.#config.name}`;
  }
}

/** What became of one command; all absent where there is none. */
interface Story {
  readonly end?: CommandEnd;
  readonly failure?: Failure;
  /** What was wrong with its log. */
  readonly log?: Failure;
}
