import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { has, isLinux, isRoot } from "../../host/places.ts";
import type { Context } from "../freeze-lab.ts";

/** Why no systemd can be booted here; absent where it can. In CI that is an error. */
export const systemdHindrance = ((): string | undefined => {
  if (!isLinux || !isRoot) return "it needs root on Linux";
  if (!has("unshare") || !has("nsenter") || !has("pgrep")) return "it needs unshare, nsenter and pgrep";
  if (!existsSync("/lib/systemd/systemd")) return "it needs systemd";
  const probe = spawnSync("unshare", ["--pid", "--fork", "--mount", "--cgroup", "true"]);
  return probe.status === 0 ? undefined : "namespaces may not be made here";
})();
if (systemdHindrance !== undefined && process.env["CI"] === "true")
  throw new Error(`systemd: ${systemdHindrance}`);
if (systemdHindrance !== undefined) console.log(`systemd: skipped, ${systemdHindrance}`);

export interface Machine {
  /** Runs a shell command inside and returns what it printed; any other end than success fails the test. */
  run(command: string): Promise<string>;
  /** Runs a shell command inside, whatever comes of it. */
  try(command: string): Promise<{ readonly code: number; readonly output: string }>;
}

export interface BootedMachine extends Machine {
  /** Its process 1, as it is numbered outside. */
  readonly leader: number;
}

/**
 * A machine with a systemd of its own and the files of this one, which goes with the test. `binds` are
 * directories from outside, as `outside:inside`. What is mounted at a path elsewhere is not there inside.
 */
export async function bootSystemd(
  { onTestFinished }: Context,
  binds: readonly string[],
): Promise<BootedMachine> {
  const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-lab-"));
  const lab = spawn(path.join(import.meta.dirname, "lab.sh"), [work, ...binds], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = once(lab, "exit");
  onTestFinished(async () => {
    lab.stdin.end();
    await gone;
    rmSync(work, { recursive: true, force: true });
  });
  const lines = createInterface({ input: lab.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true)
      expect.fail(`the machine is down: ${readFileSync(path.join(work, "boot.log"), "utf8")}`);
    return String(value);
  };
  expect(await next()).toMatch(/^booted: (running|degraded)$/);
  const attempt: Machine["try"] = async (command) => {
    lab.stdin.write(`${command.replaceAll("\n", " ")}\n`);
    const output: string[] = [];
    for (;;) {
      const line = await next();
      const code = /^ended: (\d+)$/.exec(line)?.[1];
      if (code !== undefined) return { code: Number(code), output: output.join("\n") };
      output.push(line);
    }
  };
  return {
    leader: Number(readFileSync(path.join(work, "leader"), "utf8")),
    try: attempt,
    run: async (command) => {
      const { code, output } = await attempt(command);
      expect(code, `${command}\n${output}`).toBe(0);
      return output;
    },
  };
}
