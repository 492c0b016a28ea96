import { createInterface } from "node:readline";
import { BackupError } from "../core/errors.ts";

/** The two ends of a terminal at which somebody sits. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: { write(text: string): unknown; isTTY?: boolean; columns?: number; rows?: number };
}

/** Questions that somebody answers, a line each. */
export interface Dialogue {
  /** Lines of the terminal. */
  readonly rows: number;
  /** What was typed, without the spaces around it; undefined once the input has ended (Ctrl-D). Throws `interrupted`. */
  ask(question: string): Promise<string | undefined>;
  /** Lets go of the input, so that the process may end. */
  end(): void;
}

/**
 * Reads whole lines and leaves the terminal as it is, with the editing of its driver: whatever happens to this
 * process, there is no mode to be set back. Ctrl-C is a signal then, which aborts `stop`.
 */
export function dialogueOn({ input, output }: TerminalStreams, stop: AbortSignal): Dialogue {
  const reader = createInterface({ input, terminal: false });
  const lines: string[] = [];
  let ended = false;
  let look = (): void => undefined;
  reader.on("line", (line) => {
    lines.push(line);
    look();
  });
  reader.on("close", () => {
    ended = true;
    look();
  });
  const interrupted = (): void => look();
  stop.addEventListener("abort", interrupted);
  return {
    rows: output.rows || 24,
    async ask(question) {
      output.write(question);
      const answer = await new Promise<string | undefined>((resolve, reject) => {
        look = () => {
          if (stop.aborted)
            reject(new BackupError({ kind: "interrupted", doing: "go on", found: "it was interrupted" }));
          else if (lines.length > 0) resolve(lines.shift()?.trim());
          else if (ended) resolve(undefined);
        };
        look();
      }).finally(() => {
        look = () => undefined;
      });
      if (answer === undefined) output.write("\n");
      return answer;
    },
    end() {
      stop.removeEventListener("abort", interrupted);
      reader.close();
    },
  };
}

/** Whether somebody says yes; the end of the input is a no. */
export async function agrees(question: string, dialogue: Dialogue): Promise<boolean> {
  return /^y(es)?$/i.test((await dialogue.ask(`${question} [y/N] `)) ?? "");
}
