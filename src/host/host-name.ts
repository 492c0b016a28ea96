import os from "node:os";

/** What this host calls itself; restic writes the same into its locks. */
export function hostname(): string {
  return os.hostname();
}
