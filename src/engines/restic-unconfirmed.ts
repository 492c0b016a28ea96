import type { Unconfirmed } from "../host/unconfirmed-files.ts";
import { messageOf, textIn } from "./restic-messages.ts";

/** The beginning of the name of a snapshot that restic could not save, for now or for good. */
export function unsavedIn(line: string): string | undefined {
  const message = messageOf(line);
  const text = message === undefined ? line : (textIn(message, "message") ?? "");
  return /^Save\(<snapshot\/([0-9a-f]{10})>\) (?:returned error|failed)/.exec(text)?.[1];
}

/**
 * Notes, while a process of restic is at work, what it could not save, and takes that back when it ends well: it tries
 * again. The name is a digest of what restic has encrypted for this one save, so nobody else's file ever has it.
 */
export function noting(unconfirmed: Unconfirmed) {
  const unsaved = new Set<string>();
  return {
    hear(line: string): void {
      const id = unsavedIn(line);
      if (id === undefined || unsaved.has(id)) return;
      unsaved.add(id);
      unconfirmed.add(id);
    },
    endedWell(): void {
      for (const id of unsaved) unconfirmed.drop(id);
    },
  };
}

/** Takes back what turns out to be there: a snapshot that can be read did arrive. */
export function confirm(unconfirmed: Unconfirmed, ids: readonly string[]): void {
  for (const name of unconfirmed.names()) if (ids.some((id) => id.startsWith(name))) unconfirmed.drop(name);
}
