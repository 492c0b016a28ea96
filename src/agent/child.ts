import { type ChildProcess, spawn } from "node:child_process";

/** What a process has come to. */
export interface ChildEnd {
  /** Null if a signal ended it. */
  readonly code: number | null;
  /** What it wrote to stdout. */
  readonly text: string;
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
