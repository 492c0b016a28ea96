import { formatDuration } from "../core/duration.ts";
import { BackupError } from "../core/errors.ts";
import type { Held, Hook, PreparedHook } from "../core/hook.ts";
import type { RedisHookConfig } from "../core/hook-config.ts";
import { type Bound, pause } from "./bounded.ts";
import { openRedis, placeOf, type RedisHost, type RedisSession } from "./redis-session.ts";

/** Milliseconds. */
export interface RedisWaits {
  readonly connect: number;
  /** Between two looks at a save that runs. */
  readonly poll: number;
}

const usualWaits: RedisWaits = { connect: 5_000, poll: 200 };

/**
 * Has Redis write its data to the disk before the capture. Nothing stays held: the file that a save has
 * finished does not change any more, and a log is only added to.
 */
export function redisHook(config: RedisHookConfig, host: RedisHost, waits: RedisWaits = usualWaits): Hook {
  const doing = `connect to Redis at ${placeOf(config)}`;
  const connect = (signal: AbortSignal): Promise<RedisSession> =>
    openRedis(config, host, { ms: waits.connect, signal, doing });
  return {
    name: config.name,
    kind: "database",
    onFailure: config.onFailure,
    prepare: async (_facts, signal) => {
      const session = await connect(signal);
      try {
        const info = await persistenceOf(session, {
          ms: config.timeout,
          signal,
          doing: "look at the server",
        });
        return prepared(config, waits, modeOf(config, info), session, connect);
      } catch (error) {
        session.cut();
        throw error;
      }
    },
  };
}

type Info = ReadonlyMap<string, string>;
type Mode = "rdb" | "aof";

/** With an append-only file on, Redis loads that and not the dump. */
function modeOf(config: RedisHookConfig, info: Info): Mode {
  const hasLog = info.get("aof_enabled") === "1";
  if (config.mode === "auto") return hasLog ? "aof" : "rdb";
  if (config.mode === "rdb" || hasLog) return config.mode;
  throw new BackupError({
    kind: "configuration",
    doing: "save by the append-only file",
    found: "the server has appendonly off",
    remedy: "set mode: rdb or auto, or turn appendonly on",
  });
}

function prepared(
  config: RedisHookConfig,
  waits: RedisWaits,
  mode: Mode,
  first: RedisSession,
  connect: (signal: AbortSignal) => Promise<RedisSession>,
): PreparedHook {
  let session = first;
  return {
    hold: async (signal) => {
      if (session.isLost()) session = await connect(signal);
      const doing = mode === "rdb" ? "save by BGSAVE" : "rewrite the append-only file";
      const until = performance.now() + config.timeout;
      const bound = (): Bound => ({ ms: Math.max(1, until - performance.now()), signal, doing });
      const look: Look = async (isOver) => {
        const isLate = (): boolean => performance.now() + waits.poll >= until;
        for (let looks = 0; ; looks += 1) {
          const info = await persistenceOf(session, bound()).catch((error) => {
            // A server that has answered is not silent when the last look is cut short by the end.
            throw looks > 0 && isLate() && !signal.aborted ? tooSlow(doing, config) : error;
          });
          if (isOver(info)) return info;
          if (isLate()) throw tooSlow(doing, config);
          await pause(waits.poll, doing, signal);
        }
      };
      const facts = mode === "rdb" ? await save(session, look, bound) : await rewrite(session, look, bound);
      return heldBy(mode, facts);
    },
    close: async () => session.cut(),
  };
}

function heldBy(mode: Mode, facts: Readonly<Record<string, string>>): Held {
  return { release: async () => ({ held: true, problems: [], facts: { mode, ...facts } }) };
}

/** Looks at the persistence until the condition holds or the time is up. */
type Look = (isOver: (info: Info) => boolean) => Promise<Info>;

const isIdle = (info: Info): boolean =>
  ["rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"].every(
    (name) => (info.get(name) ?? "0") === "0",
  );

/** A save that runs already may have begun long before: its end is awaited, and then ours begins. */
async function save(session: RedisSession, look: Look, bound: () => Bound): Promise<Record<string, string>> {
  for (;;) {
    await look(isIdle);
    const before = await lastSave(session, bound());
    // LASTSAVE counts seconds: within the second of the last one ours could not be told from it.
    if ((await secondsOf(session, bound())) <= before) {
      await pause(100, bound().doing, bound().signal);
      continue;
    }
    if (!(await begun(session, "BGSAVE", bound()))) continue;
    const info = await look((now) => now.get("rdb_bgsave_in_progress") === "0");
    const after = await lastSave(session, bound());
    if (info.get("rdb_last_bgsave_status") !== "ok" || after <= before)
      throw failed("the save", bound().doing);
    return { lastsave: new Date(after * 1000).toISOString() };
  }
}

async function rewrite(
  session: RedisSession,
  look: Look,
  bound: () => Bound,
): Promise<Record<string, string>> {
  for (;;) {
    await look(isIdle);
    if (!(await begun(session, "BGREWRITEAOF", bound()))) continue;
    const info = await look(isIdle);
    if (info.get("aof_last_bgrewrite_status") !== "ok") throw failed("the rewrite", bound().doing);
    // WAITAOF would wait for the writes of this connection only, and it has none.
    const synced = await look((now) => (now.get("aof_pending_bio_fsync") ?? "0") === "0");
    if ((synced.get("aof_last_write_status") ?? "ok") !== "ok") throw failed("a write to it", bound().doing);
    const lastsave = await lastSave(session, bound());
    return { lastsave: new Date(lastsave * 1000).toISOString() };
  }
}

/** Whether it has begun; not if another one came in between. */
async function begun(session: RedisSession, command: string, bound: Bound): Promise<boolean> {
  try {
    await session.ask([command], bound);
    return true;
  } catch (error) {
    if (error instanceof BackupError && /in progress|child process is active/i.test(error.found)) {
      await pause(50, bound.doing, bound.signal);
      return false;
    }
    throw error;
  }
}

function failed(what: string, doing: string): BackupError {
  const remedy = "see the server's log: usually the disk is full or its directory cannot be written";
  return new BackupError({
    kind: "cannot-write",
    doing,
    found: `the server says that ${what} failed`,
    remedy,
  });
}

function tooSlow(doing: string, config: RedisHookConfig): BackupError {
  const found = `it was not done within ${formatDuration(config.timeout)}`;
  return new BackupError({ kind: "refused", doing, found, remedy: "raise timeout, or see the server's log" });
}

async function persistenceOf(session: RedisSession, bound: Bound): Promise<Info> {
  const text = await session.ask(["INFO", "persistence"], bound);
  const info = new Map(text.split(/\r?\n/).map((line) => line.split(":", 2) as [string, string]));
  if (info.get("loading") === "1") {
    const remedy = "run the job later";
    throw new BackupError({
      kind: "unreachable",
      doing: bound.doing,
      found: "the server still loads its data",
      remedy,
    });
  }
  return info;
}

async function lastSave(session: RedisSession, bound: Bound): Promise<number> {
  return Number(await session.ask(["LASTSAVE"], bound));
}

async function secondsOf(session: RedisSession, bound: Bound): Promise<number> {
  const answer = await session.ask(["TIME"], bound);
  return Number(answer.split(",")[0]);
}
