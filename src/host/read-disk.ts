import { BackupError } from "../core/errors.ts";
import { askProgram, told } from "./ask-program.ts";

/** Bytes that are read by one dd(1): between two of them it is told how far it is, and whether to stop. */
const stride = 64 * 1024 * 1024;
/** How many read side by side: each block that is not there yet takes EBS some milliseconds (EBS User Guide, initialize volumes). */
const readers = 8;
/** Milliseconds for one stride. */
const patience = 1_800_000;

/** Reads the whole disk past the cache, so that its blocks come from the snapshot. */
export async function readDisk(
  disk: string,
  progress: (read: number, of: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const size = Number(await told("blockdev", ["--getsize64", disk], { timeout: 30_000, signal }));
  let [next, read] = [0, 0];
  progress(0, size);
  const work = async (): Promise<void> => {
    for (let from = next; from < size; from = next) {
      next = from + stride;
      const bytes = Math.min(stride, size - from);
      await readPart(disk, from, bytes, signal);
      read += bytes;
      progress(read, size);
    }
  };
  await Promise.all(Array.from({ length: readers }, work));
}

async function readPart(disk: string, from: number, bytes: number, signal: AbortSignal): Promise<void> {
  const words = [`if=${disk}`, "of=/dev/null", "bs=1M", `skip=${from}`, `count=${bytes}`];
  const flags = ["skip_bytes", "count_bytes"];
  for (const direct of [["direct"], []]) {
    const iflag = `iflag=${[...flags, ...direct].join(",")}`;
    const answer = await askProgram("dd", [...words, iflag, "status=none"], { timeout: patience, signal });
    if (answer.code === 0) return;
    // A disk whose blocks are larger than the last part of it cannot be read to its end past the cache.
    if (direct.length > 0 && /Invalid argument/i.test(answer.said)) continue;
    throw new BackupError({ kind: "unexpected", doing: `read ${disk} at byte ${from}`, found: answer.said });
  }
}
