import { existsSync } from "node:fs";
import type { Hook } from "../core/hook.ts";
import type { FreezeHookConfig, HookConfig } from "../core/hook-config.ts";
import type { Volume } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { MountMap } from "../core/mount-map.ts";
import type { Host } from "../core/ports.ts";

/** What holding still needs to know of the agent's process. */
export interface HostProcess {
  readonly platform: string;
  readonly pid: number;
  /** Absent on Windows. */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly kill: (pid: number, signal: NodeJS.Signals | 0) => void;
  /** Files that the process is made of and writes to: its program, its Node, its standard streams. */
  readonly files: readonly { readonly path: string; readonly what: string }[];
  /** Where the ledgers of freezes lie. */
  readonly runtimeDirectory: string;
}

type DatabaseHookConfig = Exclude<HookConfig, FreezeHookConfig>;

/** Waits around a freeze, in milliseconds; its deadline is the job's. */
const waits = { syncTimeout: 60_000, startTimeout: 5_000, answerTimeout: 2_000, grace: 500 };

/** How long the data of mounts that no freeze flushes may take to be written, in milliseconds. */
const flushTimeout = 10_000;

/**
 * This host as far as holding still goes by it. What a host does not use is not loaded. On other systems than
 * Linux nothing can be frozen; on Windows it is told which drive letters rest on which volumes.
 */
export function thisHost(self: HostProcess, stateDirectory: string): Host {
  const linux = self.platform === "linux";
  const windows = self.platform === "win32";
  return {
    async mounts(volumes) {
      if (windows) return windowsMounts(self, volumes);
      if (!linux) return { mounts: [], doubts: ["mounts can be told on Linux and Windows only"] };
      const { readMountMap } = await import("../host/mount-map.ts");
      return readMountMap(volumes);
    },
    async occupied(job) {
      if (!linux) return [];
      const { occupied } = await import("../host/freeze-obstacles.ts");
      return occupied(inUse(job, self, stateDirectory));
    },
    async lying(paths) {
      if (!linux || paths.length === 0) return [];
      const { occupied } = await import("../host/freeze-obstacles.ts");
      // That of a server in a container need not be a path of this host.
      return occupied(paths.filter(existsSync).map((path) => ({ path, what: path })));
    },
    async suspendPending() {
      const { suspendPending } = await import("../host/freeze-obstacles.ts");
      return suspendPending();
    },
    hook: (config) => hookOf(config, self),
    freeze: (config, waves, warm) => {
      const { name, onFailure, deadline } = config;
      return {
        name,
        kind: "freeze",
        onFailure,
        async prepare(facts, signal) {
          const { freezeHook } = await import("../hooks/fsfreeze.ts");
          const { runtimeDirectory, pid } = self;
          const order = {
            ...waits,
            name,
            onFailure,
            deadline,
            waves,
            warm,
            runtimeDirectory,
            agent: { pid },
          };
          return freezeHook(order).prepare(facts, signal);
        },
      };
    },
    async sync(paths) {
      if (!linux || paths.length === 0) return;
      const { flush } = await import("../hooks/flush.ts");
      await flush(paths, flushTimeout);
    },
  };
}

/** Milliseconds for the one command that is asked; Windows is slow just after it has started. */
const disksWithin = 30_000;

async function windowsMounts({ env }: HostProcess, volumes: readonly Volume[]): Promise<MountMap> {
  const { readWindowsMounts } = await import("../host/windows-disks.ts");
  const { powershellOf } = await import("../host/powershell.ts");
  return readWindowsMounts(volumes, { program: powershellOf(env), timeout: disksWithin });
}

async function hookOf(config: DatabaseHookConfig, self: HostProcess): Promise<Hook> {
  switch (config.kind) {
    case "command":
      return (await import("../hooks/command.ts")).commandHook(config, self);
    case "mysql":
      return (await import("../hooks/mysql.ts")).mysqlHook(config, self);
    case "postgres":
      return (await import("../hooks/postgres.ts")).postgresHook(config, self);
    case "redis":
      return (await import("../hooks/redis.ts")).redisHook(config, self);
    case "mongodb": {
      const { mongodbHook } = await import("../hooks/mongodb.ts");
      return mongodbHook(config, { uid: self.uid, ledger: ledgerOf(config.name, self) });
    }
  }
}

function ledgerOf(name: string, { runtimeDirectory, pid }: HostProcess) {
  return {
    async note(kind: string, data: unknown) {
      const { writeNote } = await import("../hooks/runtime-note.ts");
      const note = await writeNote({ runtimeDirectory, agent: { pid } }, { kind, name, data });
      return { drop: () => note.takeBack() };
    },
  };
}

/** What must go on working while filesystems stand still. */
function inUse({ hooks }: Job, self: HostProcess, stateDirectory: string) {
  const { env, files, runtimeDirectory, home } = self;
  const logs = hooks.flatMap((hook) =>
    hook.kind === "command" && hook.log !== undefined
      ? [{ path: hook.log, what: `the log of ${hook.name}` }]
      : [],
  );
  return [
    ...files,
    { path: stateDirectory, what: "the agent's state and locks" },
    { path: runtimeDirectory, what: "the record of what is frozen" },
    { path: env["TMPDIR"] ?? "/tmp", what: "temporary files" },
    { path: home, what: "the home of the agent's user" },
    { path: "/var/log", what: "the system's log" },
    { path: "/var/log/journal", what: "the journal" },
    { path: "/run/log/journal", what: "the journal" },
    ...["/bin", "/sbin", "/lib", "/usr/bin", "/usr/lib", "/etc"].map((path) => ({
      path,
      what: "programs of the system",
    })),
    ...logs,
  ];
}
