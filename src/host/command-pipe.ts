import { closeSync, constants, openSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Socket } from "node:net";
import { openFifo } from "./fifo.ts";

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
  return await openFifo("make a pipe for a command's output", async (fifo) => {
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
  });
}
