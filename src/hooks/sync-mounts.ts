import { BackupError } from "../core/errors.ts";
import { closeDescriptors, openMount } from "../host/mount-descriptors.ts";
import { runProgram } from "../host/run-program.ts";
import type { MountToFreeze } from "./start-guard.ts";

/**
 * Writes back what filesystems have in memory, side by side, so that little is left to be written while
 * they are frozen. Throws for the first that fails or takes longer than `timeout` milliseconds: a disk that
 * slow would be frozen for long. A sync that hangs in the kernel is left behind.
 */
export async function syncMounts(
  sync: string,
  mounts: readonly MountToFreeze[],
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const all = Promise.all(mounts.map((mount) => syncMount(sync, mount, timeout)));
  await Promise.race([all, aborted]);
  // After an abort nobody is left to be told.
  all.catch(() => undefined);
}

async function syncMount(sync: string, { path, superblock }: MountToFreeze, timeout: number): Promise<void> {
  const descriptor = openMount(path, superblock);
  try {
    const ended = await runProgram(sync, ["-f", "/proc/self/fd/3"], { descriptors: [descriptor], timeout });
    if (ended?.code === 0) return;
    throw new BackupError({
      kind: "unexpected",
      doing: `write back ${path} before the freeze`,
      found: ended?.said ?? `it took longer than ${timeout} ms; nothing was frozen`,
      remedy:
        ended === undefined ? "see what keeps its disk busy" : "see the kernel's log for errors of its disk",
    });
  } finally {
    closeDescriptors([descriptor]);
  }
}
