import { write } from "node:fs";

/** Writes all of a text to a file descriptor that somebody else closes. */
export async function writeText(fd: number, text: string): Promise<void> {
  let left = Buffer.from(text);
  while (left.length > 0) {
    const written = await new Promise<number>((resolve, reject) => {
      write(fd, left, 0, left.length, null, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
    left = left.subarray(written);
  }
}
