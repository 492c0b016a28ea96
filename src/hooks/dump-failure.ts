import { formatDuration } from "../core/duration.ts";
import type { ErrorKind, Failure } from "../core/errors.ts";
import type { StreamEnd } from "../host/stream-program.ts";
import { lastOf, stoppedWords } from "./end-words.ts";

/** What a program's own words mean. */
export interface Reason {
  readonly said: RegExp;
  readonly kind: ErrorKind;
  readonly remedy: string;
}

/** What a program's end has to do with. Milliseconds. */
export interface DumpStory {
  /** `dump shop.sql of shop`. */
  readonly doing: string;
  readonly timeout: number;
  readonly idleTimeout: number;
  readonly path: string;
  readonly reasons: readonly Reason[];
  readonly conceal: (text: string) => string;
}

/** The failure of a dump unless its program ended by itself with 0 and left nobody behind. */
export function failureOfDump(end: StreamEnd, story: DumpStory): Failure | undefined {
  const { code, stopped, left } = end;
  if (stopped === undefined && code === 0 && !left) return undefined;
  const said = saidBy(end, story.conceal);
  const reason = stopped === undefined ? story.reasons.find(({ said: by }) => by.test(said)) : undefined;
  const kind: ErrorKind = stopped?.because === "abort" ? "interrupted" : (reason?.kind ?? "refused");
  const remedy = reason?.remedy ?? remedyFor(end, story);
  const heard = said === "" ? "it complained of nothing" : `it said: ${said}`;
  return {
    kind,
    doing: story.doing,
    found: `${wayOf(end, story)}; ${heard}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function wayOf({ code, signal, stopped, left }: StreamEnd, { timeout, idleTimeout }: DumpStory): string {
  if (stopped === undefined) {
    if (code === null) return `its program was ended by ${signal}`;
    const ended = `its program ended with ${code}`;
    return left && code === 0
      ? `${ended} but left others running that could still write; they were ended`
      : ended;
  }
  const why = {
    abort: "the run was told to stop",
    timeout: `it was not done after ${formatDuration(timeout)}`,
    idle: `its program did nothing for ${formatDuration(idleTimeout)}`,
  }[stopped.because];
  return stoppedWords(why, stopped.how);
}

function saidBy({ said }: StreamEnd, conceal: DumpStory["conceal"]): string {
  const lines = conceal(said.lines().join("\n")).split("\n");
  return lastOf(lines.filter((line) => line !== ""));
}

function remedyFor({ code, signal, stopped, left }: StreamEnd, { path }: DumpStory): string | undefined {
  if (stopped?.how === "stuck") return "look for a filesystem that does not answer";
  if (stopped?.because === "timeout") return "make it faster, or raise its timeout";
  if (stopped?.because === "idle")
    return "look what it waits for, such as a lock of the server, or raise its idleTimeout";
  if (stopped !== undefined) return undefined;
  if (signal === "SIGPIPE") return "the repository took no more: see its own error";
  if (code === 0 && left) return "it must wait for all that it starts";
  if (code === 127 || code === 126) return `write whole paths, or set PATH under env; it was ${path}`;
  return undefined;
}
