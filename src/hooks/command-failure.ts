import type { ErrorKind, Failure } from "../core/errors.ts";
import type { CommandEnd } from "../host/run-command.ts";
import { lastOf, stoppedWords } from "./end-words.ts";

/** What a command's end has to do with; times are in milliseconds. */
export interface CommandStory {
  /** `run before of command /usr/local/bin/dump`. */
  readonly doing: string;
  readonly timeout: number;
  readonly path: string;
  readonly log?: string;
  /** Takes out of its output what it was given as a secret: a failure goes to logs, reports and people. */
  readonly conceal: (text: string) => string;
}

/** The failure of a command that ended otherwise than by itself with 0; absent if it succeeded. */
export function failureOfEnd(end: CommandEnd, story: CommandStory): Failure | undefined {
  if (end.stopped === undefined && end.code === 0) return undefined;
  const kind: ErrorKind = end.stopped?.because === "abort" ? "interrupted" : "refused";
  const remedy = remedyFor(end, story);
  return {
    kind,
    doing: story.doing,
    found: `${wayOf(end, story)}; ${outputOf(end, story.conceal)}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** What was wrong with the log, where the command itself succeeded. */
export function failureOfLog(end: CommandEnd, file: string): Failure | undefined {
  if (end.logFault === undefined) return undefined;
  const found = end.logFault instanceof Error ? end.logFault.message : String(end.logFault);
  return {
    kind: "cannot-write",
    doing: `write the log ${file}`,
    found,
    remedy: "free or change its filesystem",
  };
}

function wayOf({ code, signal, stopped }: CommandEnd, { timeout }: CommandStory): string {
  if (stopped === undefined) return code === null ? `it was ended by ${signal}` : `it ended with ${code}`;
  const why =
    stopped.because === "abort" ? "the run was told to stop" : `it was not done after ${timeout / 1000} s`;
  return stoppedWords(why, stopped.how);
}

function outputOf({ output }: CommandEnd, conceal: CommandStory["conceal"]): string {
  const lines = output.lines();
  if (lines.length === 0) return "it printed nothing";
  const last = lastOf(conceal(lines.join("\n")).split("\n"));
  const dropped = output.dropped === 0 ? "" : ` (${output.dropped} bytes before that were not kept)`;
  return `its last output: ${last}${dropped}`;
}

function remedyFor({ code, stopped }: CommandEnd, { path, log }: CommandStory): string | undefined {
  if (stopped?.how === "stuck") return "look for a filesystem that does not answer";
  if (stopped?.because === "timeout") return "make it faster, or raise its timeout";
  if (stopped !== undefined) return undefined;
  // The shell's codes for a program that it cannot find or execute.
  if (code === 127 || code === 126) return `write whole paths, or set PATH under env; it was ${path}`;
  return log === undefined ? "run it by hand to see more, or give it a log" : `see ${log}`;
}
