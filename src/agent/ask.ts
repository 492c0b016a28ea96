import { spawn } from "node:child_process";

const limit = 120_000;

/** What a process like this one, given other words, writes to stdout. It is ended when the signal aborts. */
export function answerOf(
  self: readonly string[],
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program = "", ...before] = self;
    const child = spawn(program, [...before, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
      signal,
      // It only reads, so there is nothing that it would have to finish.
      killSignal: "SIGKILL",
    });
    child.once("error", reject);
    // Nobody is waited for without end, not even a process that cannot be ended.
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("check-config gave no answer within 2 min"));
    }, limit);
    child.once("close", () => clearTimeout(timer));
    let text = "";
    // Without a descriptor to spare there is no pipe, and soon the error.
    child.stdout?.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    child.once("close", () => resolve(text));
  });
}
