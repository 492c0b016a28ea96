import { BackupError } from "../core/errors.ts";
import { findPrograms } from "../host/programs.ts";
import { runProgram } from "../host/run-program.ts";

/**
 * Has the data of filesystems that are not frozen written, side by side, since a snapshot has nothing of
 * what is in memory. Throws for the first that cannot be written within `timeout` milliseconds; a sync
 * that hangs in the kernel is left behind.
 */
export async function flush(paths: readonly string[], timeout: number): Promise<void> {
  const { sync } = await findPrograms(["sync"]);
  await Promise.all(
    paths.map(async (path) => {
      const ended = await runProgram(sync, ["-f", "--", path], { timeout });
      if (ended?.code === 0) return;
      throw new BackupError({
        kind: "unexpected",
        doing: `have the data of ${path} written before the capture`,
        found: ended?.said ?? `it took longer than ${timeout} ms`,
        remedy: "see what keeps its disk busy; what is still in memory is not in the snapshot",
      });
    }),
  );
}
