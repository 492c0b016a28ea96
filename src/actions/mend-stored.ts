import type { StoringNote } from "../core/storing-note.ts";
import type { OpenedStore, Round } from "./store-things.ts";

/**
 * Judges what runs that died were storing. Nobody knows whether such a point is whole, so it is marked as partial: it
 * then stands for no complete one. Nothing is removed, and while the repository cannot be asked the note stays.
 */
export async function mendStored(opened: OpenedStore, round: Round): Promise<void> {
  const { deps, request } = round;
  for (const note of deps.journal.unjudged(request.job.name)) {
    if (note.repository !== opened.store.config.name) continue;
    await round.record.step("judge what a run left", () => judge(note, opened, round));
  }
}

async function judge(note: StoringNote, { store, engine }: OpenedStore, round: Round): Promise<void> {
  const { deps, request, record, stores, signal } = round;
  const { job } = request;
  const { snapshots = [] } = (await engine.find(note.point, signal)) ?? {};
  const unread = [{ path: note.source, found: "its run ended before it could tell whether it is whole" }];
  for (const { id, startTime: time } of snapshots)
    await store.markPartial(id, unread, { host: stores.host, time }, signal);
  record.report("warning", {
    kind: "unexpected",
    doing: `finish storing ${note.source} in ${note.repository} (run ${note.run})`,
    found:
      snapshots.length === 0
        ? "its run could not tell what came of it; nothing of its point is there"
        : `its run could not tell what came of it; its point ${note.point} is there and is marked as partial`,
  });
  await deps.journal.stored(job.name, note.point);
}
