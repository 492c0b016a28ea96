import { type ChildProcess, spawn } from "node:child_process";
import { BackupError } from "../core/errors.ts";
import { abandon, needProgram } from "./ask-program.ts";
import { givenDirectory, type HeldDirectory } from "./held-directory.ts";
import { systemEnvironment } from "./system-path.ts";

/** Everything that an inode has; pax for nanoseconds and long names. */
const metadata = ["--xattrs", "--xattrs-include=*", "--acls", "--selinux", "--numeric-owner"];
const listed = ["--no-recursion", "--null", "--verbatim-files-from"];

/** How tar(1) is told to pack the entries that it reads the names of, and nothing below them. */
export const packing: readonly string[] = ["--create", "--format=posix", ...listed, ...metadata];

/** How it is told to make of them what they were. */
export const unpacking: readonly string[] = [
  "--extract",
  "--same-owner",
  "--preserve-permissions",
  "--delay-directory-restore",
  ...metadata,
];

/** Copies these entries and nothing below them. */
export interface TarBatch {
  /** The directories from and to which the paths count; `shown` is how the second is called to people. */
  readonly from: string;
  readonly to: HeldDirectory;
  readonly shown: string;
  /** Bytes, each as one character. */
  readonly paths: readonly string[];
  /** Milliseconds after which a copy that moves no byte is given up. */
  readonly stall: number;
}

/**
 * Copies by tar(1), which every Linux has and which keeps owners, modes, times to the nanosecond, extended
 * attributes, access lists, capabilities, holes, devices and pipes. Tells the bytes that have passed. Both
 * programs have a process group of their own and are killed when it stalls or the signal aborts.
 */
export async function tarBatch(
  { from, to, shown, paths, stall }: TarBatch,
  passed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (paths.length === 0) return;
  const doing = `copy ${paths.length} entries to ${shown}`;
  const { packer, unpacker } = await startPair(from, to);
  const complaints = [complaintsOf(packer), complaintsOf(unpacker)];
  packer.stdin?.end(Buffer.from(`${paths.join("\0")}\0`, "latin1"));
  let moved = performance.now();
  packer.stdout?.on("data", (chunk: Buffer) => {
    moved = performance.now();
    passed(chunk.length);
  });
  const stopped = Promise.withResolvers<never>();
  const stop = (kind: "interrupted" | "unexpected", found: string): void => {
    abandon(packer);
    abandon(unpacker);
    stopped.reject(new BackupError({ kind, doing, found }));
  };
  const abort = (): void => stop("interrupted", "it was told to stop");
  const look = (): void => {
    if (performance.now() - moved > stall)
      stop("unexpected", `nothing has moved for ${stall / 1000} s; the disk may not answer`);
  };
  const timer = setInterval(look, Math.min(1_000, stall));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const codes = await Promise.race([Promise.all([endOf(packer), endOf(unpacker)]), stopped.promise]);
    if (codes.some((code) => code !== 0))
      throw failed(
        doing,
        complaints.flatMap((one) => one()),
        codes,
      );
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", abort);
  }
}

async function startPair(
  from: string,
  to: HeldDirectory,
): Promise<{ packer: ChildProcess; unpacker: ChildProcess }> {
  const tar = await needProgram("tar");
  const options = { cwd: "/", detached: true, env: systemEnvironment, stdio: "pipe" } as const;
  const words = [...packing, "--sparse", `--directory=${from}`, "--files-from=-", "--file=-"];
  const packer = spawn(tar, words, options);
  const unpacker = spawn(tar, [...unpacking, `--directory=${givenDirectory}`, "--file=-"], {
    ...options,
    stdio: ["pipe", "pipe", "pipe", to.descriptor],
  });
  // Each may end before it has read everything; how it ends tells.
  packer.stdin.on("error", () => undefined);
  unpacker.stdin?.on("error", () => undefined);
  if (unpacker.stdin !== null) packer.stdout.pipe(unpacker.stdin);
  return { packer, unpacker };
}

function failed(doing: string, said: readonly string[], codes: readonly unknown[]): BackupError {
  const found = said.length === 0 ? `tar ended with ${codes.join(" and ")}` : said.join("; ");
  if (!/No space left on device/.test(found)) return new BackupError({ kind: "unexpected", doing, found });
  const remedy = "free some space; the same command then continues";
  return new BackupError({ kind: "cannot-write", doing, found, remedy, code: "ENOSPC" });
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
}

/** The first things that it complains of. */
function complaintsOf(child: ChildProcess): () => string[] {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 2_000);
  });
  return () => {
    const all = said
      .split("\n")
      .filter((line) => line !== "" && !/Exiting with failure status|Error is not recoverable/.test(line));
    return all.slice(0, 3);
  };
}
