import { BackupError } from "../core/errors.ts";
import { type Bound, pause } from "./bounded.ts";
import type { MongodbSession, MongodbTarget } from "./mongodb-session.ts";

/** Milliseconds. */
export interface UnlockWaits {
  /** One answer of the server. */
  readonly answer: number;
  /** Between two attempts. */
  readonly retry: number;
  readonly attempts: number;
}

/**
 * Whether the server is locked, as it says itself; unknown where the user may not ask. The lock is the
 * server's, so a new connection can tell when the old one broke.
 */
export async function isLocked(
  session: MongodbSession,
  connect: () => Promise<MongodbSession>,
  bound: Bound,
): Promise<boolean | undefined> {
  try {
    return await saysLocked(session, bound);
  } catch (error) {
    if (bound.signal?.aborted) throw error;
    const other = await connect();
    return await saysLocked(other, bound).finally(() => other.close());
  }
}

async function saysLocked(session: MongodbSession, bound: Bound): Promise<boolean | undefined> {
  try {
    const { fsyncLock } = await session.command({ currentOp: 1, op: "none" }, bound);
    return fsyncLock === true;
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied") return undefined;
    throw error;
  }
}

/** What became of an unlock: `lost` = after an attempt whose answer was lost, there was no lock any more. */
export type Unlocked = "unlocked" | "was not locked" | "lost";

/** The server's code for an unlock without a lock (IllegalOperation). */
const notLocked = "20";

/**
 * Takes one from the server's count of locks; a new connection for each attempt after the first. Fails, after all attempts, with the command that ends it by hand.
 */
export async function unlock(
  session: MongodbSession | undefined,
  connect: () => Promise<MongodbSession>,
  target: MongodbTarget,
  waits: UnlockWaits,
): Promise<Unlocked> {
  const doing = "end the lock of MongoDB";
  let current = session;
  let last: unknown;
  for (let attempt = 1; attempt <= waits.attempts; attempt += 1) {
    try {
      current ??= await connect();
      await current.command({ fsyncUnlock: 1 }, { ms: waits.answer, doing });
      return "unlocked";
    } catch (error) {
      last = error;
      if (error instanceof BackupError && error.code === notLocked)
        return attempt === 1 ? "was not locked" : "lost";
    } finally {
      if (current !== session) await current?.close();
      current = undefined;
    }
    if (attempt < waits.attempts) await pause(waits.retry, doing);
  }
  const found = last instanceof BackupError ? last.found : String(last);
  throw stillLocked(found, target);
}

function stillLocked(found: string, { uri, user }: MongodbTarget): BackupError {
  const who = user === undefined ? "" : ` --username ${user}`;
  return new BackupError({
    kind: "unexpected",
    doing: "end the lock of MongoDB",
    found: `ALL WRITES MAY STILL BE BLOCKED: ${found}`,
    remedy: `run: mongosh '${uri}'${who} --eval 'db.fsyncUnlock()', or restart mongod`,
  });
}
