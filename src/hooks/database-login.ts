import type { Untested } from "../core/finding.ts";
import type { HookConfig, MongodbHookConfig, RedisHookConfig } from "../core/hook-config.ts";
import type { Bound } from "./bounded.ts";

/** The hooks that log in to a server. */
export type DatabaseHook = Exclude<HookConfig, { readonly kind: "command" | "freeze" }>;

/** What the host says of the agent's process. */
export interface LoginHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Absent on Windows. */
  readonly uid: number | undefined;
}

/** What a login came to: which rights could not be asked for. */
export interface Login {
  readonly untested: readonly Untested[];
}

/** Milliseconds to connect, and for one answer. */
const patience = 5_000;

/**
 * Connects as the hook would, asks the server for its version and the user for the rights that the hook
 * needs, and goes. Fails as the hook's preparation would. Nothing is held, saved or locked.
 */
export async function tryLogin(config: DatabaseHook, host: LoginHost, signal: AbortSignal): Promise<Login> {
  const bound = (doing: string): Bound => ({ ms: patience, signal, doing });
  switch (config.kind) {
    case "mysql": {
      const { targetOf } = await import("./mysql-options.ts");
      const { openSession, placeOf } = await import("./mysql-session.ts");
      const { planOf } = await import("./mysql-questions.ts");
      const target = await targetOf(config, host);
      const session = await openSession(target, bound(`connect to ${placeOf(target)}`));
      try {
        await planOf(session, config, bound);
      } finally {
        await session.close();
      }
      return { untested: [] };
    }
    case "postgres": {
      const { openPsql, speakerOf } = await import("./psql.ts");
      const { aboutOf, refuseUngranted } = await import("./postgres-server.ts");
      const doing = `connect to database ${config.database} of PostgreSQL`;
      const session = await openPsql(await speakerOf(config, host), bound(doing));
      try {
        refuseUngranted(await aboutOf(session, bound("look at the server")), config.mode);
      } finally {
        await session.close();
      }
      return { untested: [] };
    }
    case "redis":
      return tryRedis(config, host, bound);
    case "mongodb":
      return tryMongodb(config, host, bound);
  }
}

/** That a user may ask about rights is a right of its own, and Redis knows the question since 7. */
async function tryRedis(
  config: RedisHookConfig,
  host: LoginHost,
  bound: (doing: string) => Bound,
): Promise<Login> {
  const { openRedis, placeOf } = await import("./redis-session.ts");
  const { BackupError } = await import("../core/errors.ts");
  const session = await openRedis(config, host, bound(`connect to Redis at ${placeOf(config)}`));
  try {
    await session.ask(["INFO", "persistence"], bound("look at the server"));
    await session.ask(["LASTSAVE"], bound("ask for the last save"));
    const user = config.user ?? "default";
    const commands = config.mode === "rdb" ? ["BGSAVE"] : ["BGSAVE", "BGREWRITEAOF"];
    for (const command of commands) {
      const answer = await session
        .ask(["ACL", "DRYRUN", user, command], bound("ask what the user may do"))
        .catch((error: unknown) => {
          if (error instanceof BackupError && error.kind !== "unreachable") return undefined;
          throw error;
        });
      if (answer === undefined)
        return {
          untested: [
            {
              what: `whether Redis lets ${user} run ${commands.join(" and ")}`,
              because: "the server or the user's rights do not allow the question (ACL DRYRUN)",
            },
          ],
        };
      if (answer !== "OK")
        throw new BackupError({
          kind: "denied",
          doing: `save by ${command}`,
          found: answer,
          remedy: `ACL SETUSER ${user} +info +lastsave +time +bgsave +bgrewriteaof`,
        });
    }
    return { untested: [] };
  } finally {
    session.cut();
  }
}

/** The actions on the cluster that `fsync` with `lock` and its end need. */
const lockActions = ["fsync", "unlock"];

async function tryMongodb(
  config: MongodbHookConfig,
  host: LoginHost,
  bound: (doing: string) => Bound,
): Promise<Login> {
  const { openMongodb } = await import("./mongodb-session.ts");
  const { BackupError } = await import("../core/errors.ts");
  const session = await openMongodb(config, host.uid, bound("connect to MongoDB"));
  try {
    await session.command({ buildInfo: 1 }, bound("ask the server for its version"));
    const status = await session.command(
      { connectionStatus: 1, showPrivileges: true },
      bound("ask what the user may do"),
    );
    const { authenticatedUsers = [], authenticatedUserPrivileges = [] } = (status["authInfo"] ?? {}) as {
      authenticatedUsers?: readonly unknown[];
      authenticatedUserPrivileges?: readonly {
        readonly resource?: { readonly cluster?: boolean; readonly anyResource?: boolean };
        readonly actions?: readonly string[];
      }[];
    };
    if (authenticatedUsers.length === 0) {
      // Nobody has logged in: where the server knows users, it refuses this, and else everybody may do everything.
      await session.command({ currentOp: 1, $ownOps: true }, bound("ask what the server does for us"));
      return { untested: [] };
    }
    const allowed = new Set(
      authenticatedUserPrivileges
        .filter(({ resource }) => resource?.cluster === true || resource?.anyResource === true)
        .flatMap(({ actions = [] }) => actions),
    );
    const missing = lockActions.filter((action) => !allowed.has(action) && !allowed.has("anyAction"));
    if (missing.length === 0) return { untested: [] };
    throw new BackupError({
      kind: "denied",
      doing: "lock MongoDB",
      found: `the user lacks ${missing.join(" and ")}`,
      remedy: `db.getSiblingDB("admin").grantRolesToUser(${JSON.stringify(config.user ?? "USER")}, ["hostManager"])`,
    });
  } finally {
    await session.close();
  }
}
