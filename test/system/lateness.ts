import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { node } from "../host/places.ts";

/**
 * Watches how late the machine lets a process go on when it could. A writer that was thawed is as late, which is no
 * freeze. Resolves to what ends the watch and tells the worst, in milliseconds.
 */
export async function lateness(): Promise<() => Promise<number>> {
  const [program = "", ...words] = [...node, path.join(import.meta.dirname, "lateness-watch.ts")];
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  return async () => {
    const told = once(lines, "line");
    child.stdin.end();
    const [line] = (await told) as [string];
    return Number(line);
  };
}
