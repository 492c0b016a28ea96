import { lstat, mkdir, rename, rm, rmdir } from "node:fs/promises";
import type { LogFileSettings } from "../core/log-sinks.ts";
import { openToAppend } from "../host/command-log.ts";
import { refuseSilent } from "../host/silent-mounts.ts";
import type { Line } from "./line.ts";
import type { Outlet } from "./outbox.ts";

/**
 * A file that is opened for each delivery: the daemon and its runs write to the same one, and whoever kept it
 * open would go on writing to one that another has put aside. Older files are `path.1`, `path.2` and so on.
 */
export function logFileOutlet(
  place: LogFileSettings,
  uid: number | undefined,
  render: (line: Line) => string,
): Outlet {
  const { path } = place;
  /** A full disk took half a line. */
  let torn = false;
  return {
    name: `file ${path}`,
    most: 1_000,
    async deliver(lines, signal) {
      const texts = fitting(
        lines.map((line) => `${render(line)}\n`),
        place.maxSize,
      );
      const bytes = Buffer.from(`${torn ? "\n" : ""}${texts.join("")}`);
      await refuseSilent(path, `write the log ${path}`, signal);
      await makeRoom(place, bytes.length);
      const handle = await openToAppend(path, uid);
      try {
        const { bytesWritten } = await handle.write(bytes);
        torn = bytesWritten < bytes.length;
        if (torn) throw new Error("ENOSPC: only a part could be written");
      } finally {
        await handle.close();
      }
      return texts.length;
    },
  };
}

/** The first of the lines, as many as a file takes; one in any case. */
function fitting(lines: readonly string[], most: number): readonly string[] {
  let size = 0;
  const end = lines.findIndex((line, index) => {
    size += Buffer.byteLength(line);
    return index > 0 && size > most;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

/** After so many milliseconds whoever was putting files aside has died at it. */
const stale = 10_000;

/**
 * Puts the file aside if it would grow too large. One process at a time, or one would put its new file in the
 * place of what another has just put aside; who comes second goes on with the file as it is.
 */
async function makeRoom(place: LogFileSettings, more: number): Promise<void> {
  if (!(await isFull(place, more))) return;
  const lock = `${place.path}.lock`;
  try {
    await mkdir(lock, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mtimeMs } = await lstat(lock).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > stale) await rmdir(lock).catch(unlessAbsent);
    return;
  }
  try {
    if (await isFull(place, more)) await putAside(place);
  } finally {
    await rmdir(lock).catch(unlessAbsent);
  }
}

async function isFull({ path, maxSize }: LogFileSettings, more: number): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  // What is no plain file is refused when it is opened.
  return found?.isFile() === true && found.size > 0 && found.size + more > maxSize;
}

async function putAside({ path, maxFiles }: LogFileSettings): Promise<void> {
  const names = Array.from({ length: maxFiles }, (_, index) => (index === 0 ? path : `${path}.${index}`));
  const oldest = names.pop() ?? path;
  await rm(oldest, { force: true });
  let target = oldest;
  for (const name of names.reverse()) {
    await rename(name, target).catch(unlessAbsent);
    target = name;
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
