import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment } from "./system-path.ts";

/** A pipe of which we hold both ends, for others to read and to write without its bytes passing through us. */
export interface HeldPipe {
  readonly read: number;
  readonly write: number;
  closeRead(): void;
  closeWrite(): void;
}

/** Node makes no pipe that programs take for one; mkfifo(1) does. Both ends wait as pipes do. */
export async function heldPipe(): Promise<HeldPipe> {
  let first: unknown;
  for (const place of [tmpdir(), "/run", "/dev/shm"]) {
    try {
      return await pipeIn(place);
    } catch (error) {
      first ??= error;
    }
  }
  throw new BackupError(
    {
      kind: "cannot-write",
      doing: "make a pipe",
      found: codeOf(first),
      remedy: "mkfifo(1) must be in the PATH, and the directory for temporary files must be writable",
    },
    { cause: first },
  );
}

async function pipeIn(place: string): Promise<HeldPipe> {
  const directory = await mkdtemp(path.join(place, "ec2-backup-"));
  try {
    const fifo = path.join(directory, "pipe");
    await promisify(execFile)("mkfifo", ["-m", "600", fifo], { env: systemEnvironment });
    // Each end waits for the other when it is opened, but for this one, which then is opened anew to wait for bytes.
    const passing = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const write = openSync(fifo, constants.O_WRONLY);
      const read = openSync(fifo, constants.O_RDONLY);
      return { read, write, closeRead: once(read), closeWrite: once(write) };
    } finally {
      closeSync(passing);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A number that is closed twice may be somebody else's by then. */
function once(fd: number): () => void {
  let open = true;
  return () => {
    if (open) closeSync(fd);
    open = false;
  };
}
