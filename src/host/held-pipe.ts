import { closeSync, constants, openSync } from "node:fs";
import { openFifo } from "./fifo.ts";

/** A pipe of which we hold both ends, for others to read and to write without its bytes passing through us. */
export interface HeldPipe {
  readonly read: number;
  readonly write: number;
  closeRead(): void;
  closeWrite(): void;
}

/** Both ends wait as pipes do. */
export async function heldPipe(): Promise<HeldPipe> {
  return await openFifo("make a pipe", (fifo) => {
    // Each end waits for the other when it is opened, but for this one, which then is opened anew to wait for bytes.
    const passing = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const write = openSync(fifo, constants.O_WRONLY);
      const read = openSync(fifo, constants.O_RDONLY);
      return { read, write, closeRead: once(read), closeWrite: once(write) };
    } finally {
      closeSync(passing);
    }
  });
}

/** A number that is closed twice may be somebody else's by then. */
function once(fd: number): () => void {
  let open = true;
  return () => {
    if (open) closeSync(fd);
    open = false;
  };
}
