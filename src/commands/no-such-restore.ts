import { BackupError } from "../core/errors.ts";

/** An id that was mistyped must not look like work that is done. */
export function noSuchRestore(id: string): BackupError {
  return new BackupError({
    kind: "not-found",
    doing: `undo ${id}`,
    found: "nothing that is there was made by it; it may have been undone before",
    remedy: "--undo without --restore shows what was not finished",
  });
}
