import { spawn } from "node:child_process";
import { systemEnvironment } from "./system-path.ts";

/** The end of what it reads comes of our death; a line comes before. */
const script = 'read -r _ || kill -s KILL -- "-$1"';

/**
 * Has a process group killed as soon as we are gone, however we went: the kernel would do so with its first process
 * only. Returns what calls that off.
 */
export function guardGroup(group: number): () => void {
  const guard = spawn("/bin/sh", ["-c", script, "sh", String(group)], {
    cwd: "/",
    env: systemEnvironment,
    // Not ended by what ends us and our group.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  return () => void guard.stdin.end("over\n");
}
