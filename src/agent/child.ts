import { type ChildProcess, spawn } from "node:child_process";

/** What a process has come to. */
export interface ChildEnd {
  /** Null if a signal ended it. */
  readonly code: number | null;
  /** What it wrote to stdout. */
  readonly text: string;
}

/** Without a code it was not started, or has not ended: then the text says why. */
export type ChildOutcome = Partial<Pick<ChildEnd, "code">> & Pick<ChildEnd, "text">;

/** A process like this one in a group of its own, to its end: what stops the daemon at a terminal does not stop it. */
export async function endOfChild(words: readonly string[]): Promise<ChildOutcome> {
  try {
    return await startChild(words, { detached: true }).ended;
  } catch (error) {
    return { text: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Starts a process like this one, to be read from. `ended` rejects if it cannot be started, or if the signal ends
 * it; throws where the system is too short of something to try.
 */
export function startChild(
  [program = "", ...words]: readonly string[],
  manners: { readonly detached?: true; readonly signal?: AbortSignal; readonly killSignal?: NodeJS.Signals },
): { readonly child: ChildProcess; readonly ended: Promise<ChildEnd> } {
  const child = spawn(program, words, { ...manners, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  // Without a descriptor to spare there is no pipe, and soon the error.
  child.stdout?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text }));
  });
  return { child, ended };
}
