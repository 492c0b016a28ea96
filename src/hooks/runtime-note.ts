import { BackupError } from "../core/errors.ts";
import { createLedger } from "../host/ledger-directory.ts";
import { bootId, processOf } from "../host/process-identity.ts";
import { formatLedger, type Note } from "./ledger.ts";

/** A note that stays until it is taken back, also when we do not live to do so. */
export interface RuntimeNote {
  /** What it told of is over. Never throws. */
  takeBack(): Promise<void>;
}

/**
 * Notes something that would outlive us, such as a lock that survives its connection, BEFORE it is done.
 * It is left alone as long as the agent's process lives; then `thawLeftovers` hands it to who can undo it.
 * Throws `cannot-write`; then the thing must not be done.
 */
export async function writeNote(
  {
    runtimeDirectory,
    agent,
  }: { readonly runtimeDirectory: string; readonly agent: { readonly pid: number } },
  note: Note,
): Promise<RuntimeNote> {
  const doing = `note what ${note.name} will do`;
  const self = processOf(agent.pid);
  if (self === undefined) {
    throw new BackupError({ kind: "unexpected", doing, found: `no process ${agent.pid} in /proc` });
  }
  const text = formatLedger({ boot: bootId(), agent: self, mounts: [], notes: [note] });
  const ledger = await createLedger(runtimeDirectory, "note", text);
  return {
    // What stays is handed on once more, and undoing twice does no harm.
    takeBack: () => ledger.remove().catch(() => undefined),
  };
}
