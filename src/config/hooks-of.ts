import type { CommandHookConfig, FreezeHookConfig, HookConfig } from "../core/hook-config.ts";
import type { FileHook } from "./hooks-schema.ts";

const second = 1000;
const minute = 60 * second;

/** How long a freeze or a lock lasts at most where the file does not say, in milliseconds. */
const defaultDeadline = 10 * second;

/** The hooks of a job with everything that the file left to us. Names are unique in the job. */
export function hooksOf(written: readonly FileHook[]): HookConfig[] {
  const hooks = written.flatMap(hookOf);
  return hooks.map((hook, index) => {
    const same = hooks.filter(({ name }, other) => name === hook.name && other <= index).length;
    return same === 1 ? hook : { ...hook, name: `${hook.name} (${same})` };
  });
}

function hookOf(hook: FileHook): HookConfig[] {
  const { command, mysql, postgres, redis, mongodb, freeze } = hook;
  const common = { onFailure: "continue" } as const;
  if (command !== undefined) return [commandOf(command)];
  if (mysql !== undefined) {
    const defaults = { lock: "auto", lockWait: 30 * second, deadline: defaultDeadline } as const;
    return [{ kind: "mysql", name: "mysql", ...common, ...defaults, ...mysql }];
  }
  if (postgres !== undefined) {
    const defaults = { database: "postgres", mode: "checkpoint", timeout: 10 * minute } as const;
    return [
      { kind: "postgres", name: "postgres", ...common, ...defaults, deadline: defaultDeadline, ...postgres },
    ];
  }
  if (redis !== undefined)
    return [{ kind: "redis", name: "redis", ...common, mode: "auto", timeout: 10 * minute, ...redis }];
  if (mongodb !== undefined) {
    const defaults = { uri: "mongodb://127.0.0.1:27017", timeout: 30 * second, deadline: defaultDeadline };
    return [{ kind: "mongodb", name: "mongodb", ...common, ...defaults, ...mongodb }];
  }
  return freeze === undefined ? [] : [freezeOf(freeze)];
}

function commandOf(command: NonNullable<FileHook["command"]>): CommandHookConfig {
  const { name, before, after } = command;
  const line = before ?? after ?? "";
  const program = typeof line === "string" ? line : (line[0] ?? "");
  const called = name ?? (program.length > 60 ? `${program.slice(0, 57)}...` : program);
  const defaults = { env: {}, timeout: minute, onFailure: "continue" } as const;
  return { kind: "command", ...defaults, ...command, name: `command ${called}` };
}

function freezeOf(freeze: NonNullable<FileHook["freeze"]>): FreezeHookConfig {
  const given = freeze === "data" || Array.isArray(freeze) ? { mounts: freeze } : freeze;
  const defaults = { mounts: "data", deadline: defaultDeadline, onFailure: "continue" } as const;
  return { kind: "freeze", name: "freeze", ...defaults, ...given };
}
