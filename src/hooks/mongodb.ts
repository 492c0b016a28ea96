import { formatDuration } from "../core/duration.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Held, Hook, PreparedHook } from "../core/hook.ts";
import type { MongodbHookConfig } from "../core/hook-config.ts";
import { type Bound, bounded } from "./bounded.ts";
import { type MongodbSession, type MongodbTarget, openMongodb } from "./mongodb-session.ts";
import { isLocked, type Unlocked, type UnlockWaits, unlock } from "./mongodb-unlock.ts";

/** A record of what outlives its connection, kept where a crash of the agent does not reach it. */
interface Ledger {
  /** Written before the lock is asked for; `data` has no secrets. Dropped once the lock is ended. */
  note(kind: string, data: unknown): Promise<{ drop(): Promise<void> }>;
}

/** What the host says of the agent's process, and where locks are noted. */
export interface MongodbHost {
  /** Absent on Windows. */
  readonly uid: number | undefined;
  readonly ledger: Ledger;
}

/** The kind under which the hook notes its lock; {@link undoMongodb} takes the data of such notes. */
export const mongodbNote = "mongodb-fsync-lock";

const usualUnlock: UnlockWaits = { answer: 5_000, retry: 500, attempts: 5 };

/**
 * Blocks all writes of a mongod by `fsync` with `lock`. The lock belongs to the server and not to the
 * connection: we end it at the deadline, and what we leave behind by dying is in the ledger.
 */
export function mongodbHook(
  config: MongodbHookConfig,
  host: MongodbHost,
  waits: UnlockWaits = usualUnlock,
): Hook {
  const target: MongodbTarget = {
    uri: config.uri,
    ...(config.user === undefined ? {} : { user: config.user }),
    ...(config.passwordFile === undefined ? {} : { passwordFile: config.passwordFile }),
  };
  const connect = (signal?: AbortSignal): Promise<MongodbSession> =>
    openMongodb(target, host.uid, { ms: config.timeout, signal, doing: "connect to MongoDB" });
  return {
    name: config.name,
    kind: "database",
    onFailure: config.onFailure,
    prepare: async (_facts, signal) =>
      prepared(config, host.ledger, target, waits, await connect(signal), connect),
  };
}

/** Ends the lock that a note of {@link mongodbNote} tells of. Fails with the command that ends it by hand. */
export async function undoMongodb(
  data: unknown,
  host: { readonly uid: number | undefined },
  waits: UnlockWaits = usualUnlock,
): Promise<void> {
  const target = targetIn(data);
  const bound: Bound = { ms: waits.answer, doing: "connect to MongoDB" };
  await unlock(undefined, () => openMongodb(target, host.uid, bound), target, waits);
}

function targetIn(data: unknown): MongodbTarget {
  const { uri, user, passwordFile } = (data ?? {}) as Record<string, unknown>;
  if (typeof uri !== "string") {
    const found = "no connection string in it";
    throw new BackupError({ kind: "unexpected", doing: "read the note of a lock of MongoDB", found });
  }
  return {
    uri,
    ...(typeof user === "string" ? { user } : {}),
    ...(typeof passwordFile === "string" ? { passwordFile } : {}),
  };
}

function prepared(
  config: MongodbHookConfig,
  ledger: Ledger,
  target: MongodbTarget,
  waits: UnlockWaits,
  first: MongodbSession,
  connect: (signal?: AbortSignal) => Promise<MongodbSession>,
): PreparedHook {
  let session: MongodbSession | undefined = first;
  const look = "look whether MongoDB is locked";
  const end = (used: MongodbSession | undefined): Promise<Unlocked> =>
    unlock(used, () => connect(), target, waits);
  return {
    hold: async (signal) => {
      session ??= await connect(signal);
      const used = session;
      const before = { ms: config.timeout, signal, doing: look };
      if ((await isLocked(used, () => connect(signal), before)) === true) throw somebodyElses();
      const note = await ledger.note(mongodbNote, target);
      const asked = lock(used, config);
      try {
        const count = await bounded(asked, { ms: config.timeout + 2 * grace, signal, doing });
        const ours: Lock = {
          isThere: () => isLocked(used, () => connect(), { ms: waits.answer, doing: look }),
          end: () => end(used),
        };
        return held(config, { "lock-count": String(count) }, ours, note);
      } catch (error) {
        // A request that is under way may still lock: only its answer, or its end, tells when to unlock.
        const mayBeLocked = await asked.then(
          () => true,
          (late) => !isRefusal(late),
        );
        session = undefined;
        await used.close();
        if (mayBeLocked) await end(undefined);
        await note.drop();
        throw error;
      }
    },
    close: async () => session?.close(),
  };
}

const doing = "lock MongoDB";
/** The server keeps to maxTimeMS; its own word of that is better than our silence. Milliseconds. */
const grace = 1_000;

async function lock(session: MongodbSession, config: MongodbHookConfig): Promise<number> {
  const command = { fsync: 1, lock: true, maxTimeMS: Math.round(config.timeout) };
  const { lockCount } = await session.command(command, { ms: config.timeout + grace, doing });
  return Number(lockCount ?? 1);
}

/** No privilege, no such command: the server has certainly not locked anything. */
function isRefusal(error: unknown): boolean {
  return error instanceof BackupError && ["13", "18", "59"].includes(error.code ?? "");
}

/** Of two locks nobody could tell whose is ended. Where the user may not look, we go on. */
function somebodyElses(): BackupError {
  return new BackupError({
    kind: "refused",
    doing,
    found: "somebody else has locked it",
    remedy: "wait for the other backup, or run db.fsyncUnlock() if it is long gone",
  });
}

/** What a holding needs of its server: whether it is locked, if that may be asked, and the end of the lock. */
interface Lock {
  isThere(): Promise<boolean | undefined>;
  end(): Promise<Unlocked>;
}

function held(
  config: MongodbHookConfig,
  facts: Readonly<Record<string, string>>,
  ours: Lock,
  note: { drop(): Promise<void> },
): Held {
  const holding = { kind: "refused", doing: "hold MongoDB by its lock" } as const;
  const voids: Failure[] = [];
  const others: Failure[] = [];
  const finish = async (): Promise<void> => {
    const isThere = await ours.isThere().catch((error: unknown) => {
      voids.push(failureOf(error, "look whether MongoDB is locked"));
      return undefined;
    });
    try {
      // A lock that is not there is not ended: by now one could be somebody else's.
      const end = isThere === false ? "was not locked" : await ours.end();
      // Of a retry that finds no lock, only what was seen before tells whether our first attempt ended it.
      if (end === "was not locked" || (end === "lost" && isThere !== true)) {
        const remedy = "did the server restart, or did somebody run db.fsyncUnlock()?";
        voids.push({ ...holding, found: "the lock was gone before the release", remedy });
      }
      await note.drop();
    } catch (error) {
      others.push(failureOf(error, "end the lock of MongoDB"));
    }
  };
  let finished: Promise<void> | undefined;
  const timer = setTimeout(() => {
    const found = `the lock was ended at the deadline of ${formatDuration(config.deadline)}`;
    voids.push({ ...holding, found, remedy: "raise deadline, or see why the capture took so long" });
    finished = finish();
  }, config.deadline);
  return {
    release: async () => {
      clearTimeout(timer);
      finished ??= finish();
      await finished;
      return { held: voids.length === 0, problems: [...voids, ...others], facts };
    },
  };
}
