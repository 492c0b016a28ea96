import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished, type TestContext } from "vitest";

/** Node.js with what it needs to run a TypeScript file; before 22.18 it does so only when told to. */
export const node: readonly string[] = [process.execPath, "--experimental-strip-types", "--no-warnings"];

/** A directory that goes with the test; one that runs beside others of its file says which it is. */
export async function folder(
  context: Pick<TestContext, "onTestFinished"> = { onTestFinished },
): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "ec2-backup-test-"));
  context.onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** Leaves a test out, with the reason, on a machine that lacks something; in CI nothing may be left out. */
export function need(context: TestContext, present: boolean, what: string): void {
  if (present) return;
  if (process.env["CI"] === "true") throw new Error(`${what} is missing, and in CI nothing is left out`);
  context.skip(`needs ${what}`);
}

/** Whether a command is in the PATH. */
export function has(command: string): boolean {
  return (process.env["PATH"] ?? "").split(path.delimiter).some((directory) => {
    try {
      accessSync(path.join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const isRoot = process.getuid?.() === 0;
export const isLinux = process.platform === "linux";
