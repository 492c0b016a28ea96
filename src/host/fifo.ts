import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment } from "./system-path.ts";

/**
 * Makes a pipe, which has a name for no longer than it takes to open it. Node makes none that programs take for one;
 * mkfifo(1) does.
 */
export async function openFifo<T>(doing: string, open: (fifo: string) => T | Promise<T>): Promise<T> {
  let first: unknown;
  // Any of them will do: the pipe has no name any more when it is used.
  for (const place of [tmpdir(), "/run", "/dev/shm"]) {
    try {
      return await openIn(place, open);
    } catch (error) {
      first ??= error;
    }
  }
  throw new BackupError(
    {
      kind: "cannot-write",
      doing,
      found: codeOf(first),
      remedy: "mkfifo(1) must be in the PATH, and the directory for temporary files must be writable",
    },
    { cause: first },
  );
}

async function openIn<T>(place: string, open: (fifo: string) => T | Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(place, "ec2-backup-"));
  try {
    const fifo = path.join(directory, "pipe");
    await promisify(execFile)("mkfifo", ["-m", "600", fifo], { env: systemEnvironment });
    return await open(fifo);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
