import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Held, Holding, Hook, PreparedHook } from "../core/hook.ts";
import type { MysqlHookConfig } from "../core/hook-config.ts";
import type { Bound } from "./bounded.ts";
import { type MysqlHost, type MysqlTarget, targetOf } from "./mysql-options.ts";
import { type MysqlPlan, planOf, positionsOf, refuseLongStatements } from "./mysql-questions.ts";
import { type MysqlSession, openSession, placeOf } from "./mysql-session.ts";

/** How long the server may take to answer. Milliseconds. */
export interface MysqlWaits {
  readonly connect: number;
  /** One statement that waits for no lock. */
  readonly answer: number;
}

const usualWaits: MysqlWaits = { connect: 5_000, answer: 10_000 };
/** The server counts lock waits in whole seconds and begins anew for each part of a lock. */
const lockGrace = 2_000;

/**
 * Holds MariaDB or MySQL still by a lock on one connection, from before the capture until after it. The
 * server itself ends the lock when it has heard nothing for the deadline.
 */
export function mysqlHook(config: MysqlHookConfig, host: MysqlHost, waits: MysqlWaits = usualWaits): Hook {
  return {
    name: config.name,
    kind: "database",
    onFailure: config.onFailure,
    prepare: async (_facts, signal) => {
      const target = await targetOf(config, host);
      const connect = (stop: AbortSignal): Promise<MysqlSession> =>
        openSession(target, { ms: waits.connect, signal: stop, doing: `connect to ${placeOf(target)}` });
      const session = await connect(signal);
      try {
        const plan = await planOf(session, config, (doing) => ({ ms: waits.answer, signal, doing }));
        return prepared(config, waits, target, plan, session, connect);
      } catch (error) {
        await session.close();
        throw error;
      }
    },
  };
}

function prepared(
  config: MysqlHookConfig,
  waits: MysqlWaits,
  target: MysqlTarget,
  plan: MysqlPlan,
  first: MysqlSession,
  connect: (signal: AbortSignal) => Promise<MysqlSession>,
): PreparedHook {
  let session = first;
  return {
    hold: async (signal) => {
      if (session.lost() !== undefined) session = await connect(signal);
      try {
        const facts = await takeLock(session, plan, config, waits, signal);
        return held(session, plan, waits, placeOf(target), facts);
      } catch (error) {
        // Whatever of the lock was taken or is still waited for ends with the connection.
        session.cut();
        throw error;
      }
    },
    close: () => session.close(),
  };
}

async function takeLock(
  session: MysqlSession,
  plan: MysqlPlan,
  config: MysqlHookConfig,
  waits: MysqlWaits,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const { lock, server } = plan;
  const bound = (doing: string): Bound => ({ ms: waits.answer, signal, doing });
  await refuseLongStatements(session, lock, config.lockWait, bound("look for long statements"));
  const idle = Math.max(1, Math.floor(config.deadline / 1000));
  const wait = Math.max(1, Math.ceil(config.lockWait / 1000));
  await session.ask(
    `SET SESSION lock_wait_timeout = ${wait}, SESSION wait_timeout = ${idle}, SESSION net_write_timeout = ${idle}`,
    bound("limit the lock's time"),
  );
  for (const statement of lock.take) {
    const ms = wait * 1000 + lockGrace;
    await session.ask(statement, { ms, signal, doing: `take the lock ${lock.name}` }).catch((error) => {
      throw explained(error, config);
    });
  }
  return {
    server: `${server.brand} ${server.version.join(".")}`,
    lock: lock.name,
    ...(plan.directory === "" ? {} : { "data-directory": plan.directory }),
    ...(await positionsOf(session, plan, bound)),
  };
}

function explained(error: unknown, config: MysqlHookConfig): unknown {
  if (!(error instanceof BackupError) || error.kind !== "refused") return error;
  const remedy = `something holds it for longer than lockWait (${config.lockWait} ms): SHOW PROCESSLIST tells what`;
  return new BackupError({ ...failureOf(error, error.doing), remedy }, { cause: error });
}

function held(
  session: MysqlSession,
  plan: MysqlPlan,
  waits: MysqlWaits,
  place: string,
  facts: Readonly<Record<string, string>>,
): Held {
  const { id } = session;
  const doing = `hold ${place} by ${plan.lock.name}`;
  return {
    release: async () => {
      const voids: Failure[] = uncoveredFailure(plan, doing);
      const others: Failure[] = [];
      const ended = await stillThere(session, id, waits).catch((error: unknown) => failureOf(error, doing));
      if (ended !== undefined) {
        const found = `the connection that held the lock is gone: ${ended.found}`;
        const remedy =
          "the lock ended with it: see the server's log, and whether the deadline is long enough";
        voids.push({ kind: "unreachable", doing, found, remedy });
        session.cut();
      } else
        await unlock(session, plan, waits).catch((error: unknown) => {
          // The lock was there for the capture; cutting the connection ends it for sure.
          others.push(failureOf(error, `end the lock ${plan.lock.name}`));
          session.cut();
        });
      return { held: voids.length === 0, problems: [...voids, ...others], facts } satisfies Holding;
    },
  };
}

function uncoveredFailure({ uncovered, lock }: MysqlPlan, doing: string): Failure[] {
  if (uncovered.length === 0) return [];
  const found = `${lock.name} does not block writes to tables that no log recovers: ${uncovered.join(", ")}`;
  return [{ kind: "refused", doing, found, remedy: "set lock: auto or global, or convert them to InnoDB" }];
}

/** Nothing if the same connection still answers. */
async function stillThere(
  session: MysqlSession,
  id: number,
  waits: MysqlWaits,
): Promise<Failure | undefined> {
  const doing = "ask whether the connection still holds the lock";
  const lost = session.lost();
  if (lost !== undefined) return { kind: "unreachable", doing, found: lost };
  const [row] = await session.ask("SELECT CONNECTION_ID() AS id", { ms: waits.answer, doing });
  if (Number(row?.["id"]) === id) return undefined;
  return { kind: "unreachable", doing, found: `connection ${id} has become ${row?.["id"]}` };
}

async function unlock(session: MysqlSession, { lock }: MysqlPlan, waits: MysqlWaits): Promise<void> {
  const bound: Bound = { ms: waits.answer, doing: `end the lock ${lock.name}` };
  for (const statement of lock.end) await session.ask(statement, bound);
  // So that the connection outlives a wait before the next hold.
  await session.ask("SET SESSION wait_timeout = DEFAULT", bound);
}
