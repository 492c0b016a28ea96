import { spawn } from "node:child_process";
import type { Told } from "../core/directory-verdict.ts";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { endGroup, type Kill } from "./process-group.ts";
import { systemPath } from "./system-path.ts";

/** How scripts are run on this host. */
export interface ShellGround {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kill: Kill;
  /** Told of the phases that a script reports. */
  readonly phase: (what: string) => void;
  /** Milliseconds for one script. */
  readonly deadline: number;
}

export interface ScriptOptions {
  readonly doing: string;
  /**
   * Its mounts are seen by nobody else, and go with it; what others unmount meanwhile goes here too, where their mounts
   * are shared (as systemd has them). For root.
   */
  readonly ownMounts?: boolean;
}

/** Milliseconds that programs have to end once they are told to. */
const grace = 5_000;

const longest = 4_000;

/**
 * Runs a script to its end, in a group of its own that ends with us, whatever ends us. What it reports and complains of
 * is returned, however it ends; when told to stop, or at the deadline, the group is ended and this fails.
 */
export async function runScript(
  script: string,
  { doing, ownMounts = false }: ScriptOptions,
  { env, kill, phase, deadline }: ShellGround,
  signal: AbortSignal,
): Promise<Told> {
  if (signal.aborted) throw stopped(doing);
  const words = ["sh", "-c", script];
  const [file = "sh", ...rest] = ownMounts
    ? ["unshare", "--mount", "--propagation", "slave", "--", ...words]
    : words;
  const child = spawn(file, rest, {
    cwd: "/",
    detached: true,
    env: { ...env, PATH: `${env["PATH"] ?? ""}:${systemPath}`.replace(/^:/, "") },
    // The last one tells it that we are still there.
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const reports = new Map<string, string>();
  const complaints: string[] = [];
  const report = (line: string): void => {
    const [, word = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    if (word === "phase") phase(value);
    else reports.set(word, value.trim());
  };
  byLine(child.stdout, report);
  byLine(child.stderr, (line) => {
    if (line.startsWith("@@ ")) report(line.slice(3));
    else if (complaints.join("; ").length < longest) complaints.push(line.trim());
  });
  child.stdio[3]?.on("error", () => undefined);
  const limit = AbortSignal.timeout(deadline);
  const either = AbortSignal.any([signal, limit]);
  const end = (): void => {
    if (child.pid !== undefined) void endGroup(child.pid, grace, kill);
  };
  either.addEventListener("abort", end, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", (error) => reject(unstartable(doing, file, error)));
      child.once("close", () => resolve());
      // What hangs in the kernel does not end; nobody waits for it for ever.
      either.addEventListener("abort", () => void setTimeout(resolve, grace * 3).unref(), { once: true });
    });
  } finally {
    either.removeEventListener("abort", end);
    child.stdio[3]?.destroy();
  }
  if (signal.aborted) throw stopped(doing);
  if (limit.aborted)
    throw new BackupError({
      kind: "unreachable",
      doing,
      found: `it did not end within ${deadline / 60_000} min`,
      code: "TimeUp",
    });
  return {
    reports,
    said: complaints
      .filter((line) => line !== "")
      .join("; ")
      .slice(0, longest),
  };
}

function byLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const lines = (rest + text).split(/[\n\r]/);
    rest = (lines.pop() ?? "").slice(-longest);
    for (const line of lines) take(line);
  });
  stream?.on("end", () => {
    if (rest !== "") take(rest);
  });
}

function unstartable(doing: string, file: string, error: unknown): BackupError {
  const remedy = file === "unshare" ? "install util-linux" : undefined;
  const found = `${file} cannot be started (${codeOf(error)})`;
  return new BackupError({ kind: "configuration", doing, found, ...(remedy && { remedy }) });
}

function stopped(doing: string): BackupError {
  return new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
}
