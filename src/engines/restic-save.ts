import type { FilesOrder, Saved, SaveOrder, StoreProgress, StreamSource } from "../core/store-ports.ts";
import { whenUnlocked } from "./restic-locks.ts";
import { markPartial } from "./restic-marker.ts";
import { fileComplaint } from "./restic-messages.ts";
import type { ResticCall, ResticRunner } from "./restic-runner.ts";
import { hear, savedOf, saveWords } from "./restic-saved.ts";
import { streamed } from "./restic-stream.ts";
import { withdraw } from "./restic-withdraw.ts";

/** How many of the files that could not be read are told one by one. */
const mostUnread = 10_000;

type Tell = (progress: StoreProgress) => void;

/** Saves files as one snapshot; one that is not whole gets its marker before this returns. */
export async function saveFiles(
  runner: ResticRunner,
  order: FilesOrder,
  tell: Tell,
  signal: AbortSignal,
): Promise<Saved> {
  const hearing = hear(tell);
  const unread: { path: string; found: string }[] = [];
  let more = 0;
  const call: ResticCall = {
    doing: `save ${order.paths.join(", ")}`,
    words: [...saveWords(order), ...filesWords(order), "--", ...order.paths],
    line: hearing.line,
    complaint(line) {
      const one = fileComplaint(line);
      if (one === undefined) return;
      if (unread.length < mostUnread) unread.push({ path: one.path, found: runner.conceal(one.found) });
      else more += 1;
    },
    // Some of the files could not be read.
    accept: ({ code }) => code === 3,
  };
  let partly = false;
  try {
    const end = await whenUnlocked(runner, signal, () => runner.run(call, signal));
    partly = end.code === 3;
  } catch (error) {
    // Without a word of it, it had not begun.
    throw hearing.began() || unread.length > 0 ? await withdraw(runner, order, error) : error;
  }
  if (more > 0) unread.push({ path: "…", found: `and ${more} more` });
  if (partly && unread.length === 0) unread.push({ path: "…", found: "restic does not say what" });
  const summary = hearing.summary();
  if (unread.length === 0) return savedOf(runner, summary, signal);
  try {
    const saved = await savedOf(runner, summary, signal);
    await markPartial(runner, saved.id, unread, order, signal);
    return { ...saved, unread };
  } catch (error) {
    // Without its mark it would stand for a whole one: then it must not stay, and if it must, this says so.
    throw await withdraw(runner, order, error);
  }
}

function filesWords({ exclude, excludeFile, oneFileSystem, excludeCaches, afresh }: FilesOrder): string[] {
  return [
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    ...(excludeFile === undefined ? [] : [`--exclude-file=${excludeFile}`]),
    ...(oneFileSystem ? ["--one-file-system"] : []),
    ...(excludeCaches ? ["--exclude-caches"] : []),
    ...(afresh === true ? ["--force"] : []),
  ];
}

/** Saves a stream; of one that fails nothing stays. */
export async function saveStream(
  runner: ResticRunner,
  order: SaveOrder,
  source: StreamSource,
  tell: Tell,
  signal: AbortSignal,
): Promise<Saved> {
  const saved = await streamed(runner, order, source, tell, signal);
  if ("error" in saved) throw await withdraw(runner, order, saved.error);
  return saved;
}
