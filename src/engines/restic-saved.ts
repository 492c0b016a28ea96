import type { Saved, SaveOrder, StoreProgress } from "../core/store-ports.ts";
import { encodeTag } from "../core/store-tags.ts";
import { messageOf, numberIn, type ResticMessage, textIn } from "./restic-messages.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { strange, wholeId } from "./restic-snapshots.ts";

type Tell = (progress: StoreProgress) => void;

/** What every save is told. */
export function saveWords({ tags, host, time }: SaveOrder): string[] {
  return [
    "backup",
    "--json",
    `--host=${host}`,
    `--time=${time.toISOString().slice(0, 19).replace("T", " ")}`,
    ...tags.map((tag) => `--tag=${encodeTag(tag)}`),
  ];
}

/** Hears what a save prints. */
export function hear(tell: Tell, first?: () => void) {
  let begun = false;
  let summary: ResticMessage | undefined;
  return {
    line(line: string): void {
      const message = messageOf(line);
      const type = message?.["message_type"];
      if (message === undefined || (type !== "status" && type !== "summary")) return;
      // It has its lock, and reads.
      if (!begun) first?.();
      begun = true;
      if (type === "summary") summary = message;
      else tell(progressOf("save", message));
    },
    began: () => begun,
    summary: () => summary,
  };
}

/** A line of progress, of a save or a restore. */
export function progressOf(what: StoreProgress["what"], message: ResticMessage): StoreProgress {
  const keys = [
    ["bytesDone", what === "save" ? "bytes_done" : "bytes_restored"],
    ["bytesTotal", "total_bytes"],
    ["filesDone", what === "save" ? "files_done" : "files_restored"],
    ["filesTotal", "total_files"],
  ] as const;
  const found = keys.flatMap(([ours, theirs]) => {
    const value = numberIn(message, theirs);
    return value === undefined ? [] : [[ours, value]];
  });
  return { what, ...Object.fromEntries(found) };
}

/** What a summary says was saved. */
export async function savedOf(
  runner: ResticRunner,
  summary: ResticMessage | undefined,
  signal: AbortSignal,
): Promise<Saved> {
  const told = summary === undefined ? undefined : textIn(summary, "snapshot_id");
  if (summary === undefined || told === undefined || told === "")
    throw strange(runner, "no summary, though it ended well: nobody knows what was saved");
  const count = (key: string): number => numberIn(summary, key) ?? 0;
  return {
    id: await wholeId(runner, told, signal),
    bytes: count("total_bytes_processed"),
    added: count("data_added"),
    files: {
      new: count("files_new"),
      changed: count("files_changed"),
      unmodified: count("files_unmodified"),
    },
    unread: [],
  };
}
