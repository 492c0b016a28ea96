import { type ChildProcess, spawn } from "node:child_process";
import { BackupError, type ErrorKind } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment, systemProgram } from "./system-path.ts";

/** Which package has a program, for the remedy; the names of Debian and of Amazon Linux agree but where both are given. */
const packageOf: Readonly<Record<string, string>> = {
  blkid: "util-linux",
  lsblk: "util-linux",
  mount: "util-linux (Debian: mount)",
  umount: "util-linux (Debian: mount)",
  blockdev: "util-linux",
  partx: "util-linux",
  unshare: "util-linux",
  dumpe2fs: "e2fsprogs",
  xfs_logprint: "xfsprogs",
  dmsetup: "dmsetup (Amazon Linux: device-mapper)",
  lvm: "lvm2",
  mdadm: "mdadm",
  btrfs: "btrfs-progs",
  btrfstune: "btrfs-progs",
  find: "findutils",
  tar: "tar",
  cat: "coreutils",
  rm: "coreutils",
  dd: "coreutils",
  timeout: "coreutils",
  sync: "coreutils",
  sh: "a POSIX shell",
};

/** How a program that was asked something ended. */
export interface Answer {
  /** Absent if it was ended by a signal. */
  readonly code?: number;
  readonly stdout: Buffer;
  /** What it complained of, in one line. */
  readonly said: string;
}

/** Milliseconds for `timeout`; `most` bytes of output are kept, more is a failure. */
export interface AskOptions {
  readonly timeout: number;
  readonly signal?: AbortSignal;
  readonly input?: string | Buffer;
  readonly most?: number;
  /** Given to it from 3 upwards. */
  readonly descriptors?: readonly number[];
}

/** The path of a program; a `configuration` failure that names the package if it is not installed. */
export async function needProgram(name: string): Promise<string> {
  const found = await systemProgram(name);
  if (found !== undefined) return found;
  throw new BackupError({
    kind: "configuration",
    doing: `find the program ${name}`,
    found: "it is not installed",
    remedy: `install ${packageOf[name] ?? name}`,
  });
}

/**
 * Runs a program of the system and gives what it prints. It is in a process group of its own, all of which is
 * killed at the deadline or when the signal aborts, and then no longer waited for: what hangs in the kernel, on a
 * disk that is gone, does not die. Then, and where it cannot be started, this fails; how it ends is an answer.
 */
export async function askProgram(
  name: string,
  words: readonly string[],
  { timeout, signal, input, most = 64 * 1024 * 1024, descriptors = [] }: AskOptions,
): Promise<Answer> {
  const doing = `run ${[name, ...words].join(" ").slice(0, 300)}`;
  const file = await needProgram(name);
  if (signal?.aborted === true) throw stopped(doing);
  const child = spawn(file, words, {
    cwd: "/",
    detached: true,
    env: systemEnvironment,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe", ...descriptors],
  });
  child.stdin?.on("error", () => undefined).end(input);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let [size, said] = [0, ""];
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      act();
    };
    const give = (kind: ErrorKind, found: string): void => {
      abandon(child);
      settle(() => reject(new BackupError({ kind, doing, found })));
    };
    const timer = setTimeout(
      () => give("unexpected", `no answer after ${timeout / 1000} s; the disk may not answer`),
      timeout,
    );
    const abort = (): void => {
      abandon(child);
      settle(() => reject(stopped(doing)));
    };
    signal?.addEventListener("abort", abort);
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > most) give("unexpected", `more than ${most} bytes of output`);
      else chunks.push(chunk);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, 2_000);
    });
    child.once("error", (error) => give("unexpected", `it cannot be started (${codeOf(error)})`));
    child.once("close", (code, killed) =>
      settle(() => {
        const text = said.trim().replace(/\s+/g, " ");
        const how = text === "" ? `ended with ${code ?? killed}` : text;
        resolve({ ...(code === null ? {} : { code }), stdout: Buffer.concat(chunks), said: how });
      }),
    );
  });
}

/** The same where only success will do: what it prints, as text. */
export async function told(
  name: string,
  words: readonly string[],
  options: AskOptions,
  remedy?: string,
): Promise<string> {
  const answer = await askProgram(name, words, options);
  if (answer.code === 0) return answer.stdout.toString("utf8");
  throw new BackupError({
    kind: "refused",
    doing: `run ${[name, ...words].join(" ")}`,
    found: answer.said,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Kills the whole group and lets go of it. */
export function abandon(child: ChildProcess): void {
  killGroup(child);
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

function killGroup(child: ChildProcess): void {
  // Node knows no groups but by its process object, which only main may touch; a shell is asked.
  if (child.pid === undefined) return;
  child.kill("SIGKILL");
  spawn("/bin/sh", ["-c", 'kill -s KILL -- "-$1"', "sh", String(child.pid)], {
    stdio: "ignore",
    detached: true,
    env: systemEnvironment,
  })
    .on("error", () => undefined)
    .unref();
}

function stopped(doing: string): BackupError {
  return new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
}
