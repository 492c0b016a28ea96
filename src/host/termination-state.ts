import path from "node:path";
import { readJson, replaceFile } from "./atomic-file.ts";

/** The last notice of its end that this host has heard of. */
export interface NoticeNote {
  readonly version: 1;
  readonly notice: string;
  /** When it was first heard of, by the host's clock. */
  readonly seen: string;
}

/**
 * When a notice was first heard of: kept beside the state of jobs, so that a daemon that is started again does not
 * take it for another one. Where that cannot be written, now: two captures are better than none.
 */
export async function firstSeen(directory: string, notice: string, now: Date): Promise<Date> {
  const file = path.join(directory, "termination.json");
  const note = (await readJson(file)) as Partial<NoticeNote> | null | undefined;
  const seen = new Date(note?.seen ?? "");
  if (note?.version === 1 && note.notice === notice && seen <= now) return seen;
  const fresh: NoticeNote = { version: 1, notice, seen: now.toISOString() };
  await replaceFile(file, `${JSON.stringify(fresh)}\n`).catch(() => undefined);
  return now;
}
