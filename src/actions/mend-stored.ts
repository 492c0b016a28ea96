import { tagKeys } from "../core/point-tags.ts";
import { markedBy } from "../core/store-point.ts";
import type { Store } from "../core/store-ports.ts";
import { tag } from "../core/store-tags.ts";
import type { StoringNote } from "../core/stored-ports.ts";
import type { Round } from "./store-things.ts";

/**
 * Judges what runs that died were storing. Nobody knows whether such a point is whole, so it is marked as partial: it
 * then stands for no complete one. Nothing is removed, and while the repository cannot be asked the note stays.
 */
export async function mendStored(store: Store, round: Round): Promise<void> {
  const { deps, request } = round;
  for (const note of deps.journal.unjudged(request.job.name)) {
    if (note.repository !== store.config.name) continue;
    await round.record.step("judge what a run left", () => judge(note, store, round));
  }
}

async function judge(note: StoringNote, store: Store, round: Round): Promise<void> {
  const { deps, request, record, stores, signal } = round;
  const { job } = request;
  const found = await store.snapshots([tag(tagKeys.point, note.point)], signal);
  const own = found.filter((one) => markedBy(one) === undefined);
  const unread = [{ path: note.source, found: "its run ended before it could tell whether it is whole" }];
  for (const { id, time } of own) await store.markPartial(id, unread, { host: stores.host, time }, signal);
  record.report("warning", {
    kind: "unexpected",
    doing: `finish storing ${note.source} in ${note.repository} (run ${note.run})`,
    found:
      own.length === 0
        ? "its run ended without a report; nothing of its point is there"
        : `its run ended without a report; its point ${note.point} is there and is marked as partial`,
  });
  await deps.journal.stored(job.name, note.point);
}
