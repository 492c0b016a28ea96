import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment } from "./system-path.ts";

/**
 * A pipe for the output of a command. What Node calls a pipe is a socket, and a shell that writes to
 * /dev/stderr then fails; one pipe for both outputs also keeps their order.
 */
export interface CommandPipe {
  /** For the command; to be closed here as soon as it has been started. */
  readonly writeEnd: FileHandle;
  readonly reading: Socket;
}

/** Opens a pipe that `owner` may open again under /dev/stdout; absent = the agent's own user. */
export async function openCommandPipe(owner?: { uid: number; gid: number }): Promise<CommandPipe> {
  let first: unknown;
  // Any of them will do: the pipe has no name any more when the command starts.
  for (const place of [tmpdir(), "/run", "/dev/shm"]) {
    try {
      return await openIn(place, owner);
    } catch (error) {
      first ??= error;
    }
  }
  throw new BackupError(
    {
      kind: "cannot-write",
      doing: "make a pipe for a command's output",
      found: codeOf(first),
      remedy: "mkfifo(1) must be in the PATH, and the directory for temporary files must be writable",
    },
    { cause: first },
  );
}

async function openIn(place: string, owner?: { uid: number; gid: number }): Promise<CommandPipe> {
  const directory = await mkdtemp(path.join(place, "ec2-backup-"));
  try {
    const fifo = path.join(directory, "output");
    await promisify(execFile)("mkfifo", ["-m", "600", fifo], { env: systemEnvironment });
    // Without O_NONBLOCK each end would wait for the other.
    const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const writeEnd = await open(fifo, constants.O_WRONLY);
      // Only now: a service without CAP_DAC_OVERRIDE may not open what is another's.
      if (owner !== undefined) await writeEnd.chown(owner.uid, owner.gid);
      return { writeEnd, reading: new Socket({ fd, readable: true, writable: false }) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
