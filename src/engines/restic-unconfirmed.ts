import type { Unconfirmed } from "../host/unconfirmed-files.ts";
import { messageOf, textIn } from "./restic-messages.ts";

/** What restic says of a snapshot that it could not save, for now or for good. */
export interface Unsaved {
  /** The beginning of its name. */
  readonly id: string;
  /** Whether the server may have got some of it. */
  readonly sent: boolean;
}

/** The words that make a new snapshot. */
const saving = ["backup", "copy"];
const unreached = /connection refused|no route to host|network is unreachable|no such host/;

export function unsavedIn(line: string): Unsaved | undefined {
  const message = messageOf(line);
  const text = message === undefined ? line : (textIn(message, "message") ?? "");
  const [, id, why = ""] =
    /^Save\(<snapshot\/([0-9a-f]{10})>\) (?:returned error, retrying after [\d.]+\w+|failed): (.*)/s.exec(
      text,
    ) ?? [];
  return id === undefined ? undefined : { id, sent: !unreached.test(why) };
}

/**
 * Notes, while a process of restic is at work, what it could not save, and takes that back when it ends well, since it
 * tries again. The name is a digest of what restic has encrypted for this one save, so nobody else's file ever has it.
 * What was sent twice is not noted: the first time may have arrived whole, and another host have read it.
 */
export function noting(unconfirmed: Unconfirmed, [word = ""]: readonly string[]) {
  const sent = new Map<string, number>();
  return {
    hear(line: string): void {
      const unsaved = saving.includes(word) ? unsavedIn(line) : undefined;
      if (unsaved === undefined) return;
      const { id } = unsaved;
      const times = (sent.get(id) ?? 0) + (unsaved.sent ? 1 : 0);
      sent.set(id, times);
      if (times === 1) unconfirmed.add(id);
      else if (times > 1) unconfirmed.drop(id);
    },
    endedWell(): void {
      for (const id of sent.keys()) unconfirmed.drop(id);
    },
  };
}

/** Takes back what turns out to be there: a snapshot that can be read did arrive. */
export function confirm(unconfirmed: Unconfirmed, ids: readonly string[]): void {
  for (const name of unconfirmed.names()) if (ids.some((id) => id.startsWith(name))) unconfirmed.drop(name);
}
