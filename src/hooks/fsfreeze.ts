import { BackupError, type Failure } from "../core/errors.ts";
import type { Held, Holding, Hook, PreparedHook } from "../core/hook.ts";
import { processOf } from "../host/process-identity.ts";
import { findPrograms } from "../host/programs.ts";
import type { Guard } from "./guard.ts";
import type { GuardAnswer, MountOutcome } from "./guard-answer.ts";
import { type MountToFreeze, startGuard } from "./start-guard.ts";
import { syncMounts } from "./sync-mounts.ts";

/** All times in milliseconds. */
export interface FreezeOptions {
  /** Frozen one wave after the other, leaves first; the mounts of a wave side by side. */
  readonly waves: readonly (readonly MountToFreeze[])[];
  readonly onFailure: Hook["onFailure"];
  /** From the first freeze on; after this all is thawed, whatever happened. */
  readonly deadline: number;
  /** For writing back before the freeze; longer, and nothing is frozen. */
  readonly syncTimeout: number;
  /** For the guard to be there. */
  readonly startTimeout: number;
  /** For the guard to answer, beyond the deadline or to a thaw, before the agent thaws by itself. */
  readonly answerTimeout: number;
  /** How long the agent may be silent after the deadline before it is killed as stopped. */
  readonly grace: number;
  /** Such as /run/ec2-backup: made with mode 0700 if it is not there. */
  readonly runtimeDirectory: string;
  /** The process that the guard watches: this one. */
  readonly agent: { readonly pid: number };
  /** Where programs are looked for; absent = where a system has its own. */
  readonly programDirectories?: readonly string[];
  readonly name?: string;
  /** What is good to be done just before, side by side with writing back; its failure fails the hold. */
  readonly warm?: () => Promise<void>;
}

/**
 * Freezes filesystems, by a guard that thaws them whatever happens to us. Between a freeze and its thaw
 * neither this hook nor what it starts writes to any file but the ledger.
 */
export function freezeHook(options: FreezeOptions): Hook {
  return {
    name: options.name ?? "freeze",
    kind: "freeze",
    onFailure: options.onFailure,
    prepare: async (_facts, signal) => {
      if (signal.aborted) throw interrupted();
      return prepared(options);
    },
  };
}

async function prepared(options: FreezeOptions): Promise<PreparedHook> {
  const programs = await findPrograms(
    ["sh", "fsfreeze", "flock", "sleep", "mkfifo", "sync"],
    options.programDirectories,
  );
  const agent = processOf(options.agent.pid);
  if (agent === undefined) {
    const doing = "start the guard that thaws";
    throw new BackupError({ kind: "unexpected", doing, found: `no process ${options.agent.pid} in /proc` });
  }
  const guard = await startGuard({ ...options, programs, agent });
  const mounts = options.waves.flat();
  return {
    hold: async (signal) => {
      await Promise.all([syncMounts(programs.sync, mounts, options.syncTimeout, signal), options.warm?.()]);
      if (signal.aborted) throw interrupted();
      return frozen(guard, mounts, options, signal);
    },
    close: () => guard.close(),
  };
}

async function frozen(
  guard: Guard,
  mounts: readonly MountToFreeze[],
  { deadline }: FreezeOptions,
  signal: AbortSignal,
): Promise<Held> {
  const unarmed = await guard.arm(deadline);
  if (unarmed !== undefined) throw combined(unarmedFailure(unarmed, mounts), []);
  const begun = performance.now();
  const answer = await guard.freeze();
  const [failure, ...more] = freezeFailures(answer, mounts);
  if (failure !== undefined) throw combined(failure, more);
  const release = async (): Promise<Holding> => {
    const thawed = await guard.thaw();
    const problems = thawProblems(thawed, mounts);
    const ms = performance.now() - begun;
    const paths = mounts.map(({ path }) => path);
    return { held: problems.length === 0, problems, facts: {}, frozen: { mounts: paths, ms } };
  };
  if (signal.aborted) {
    await release();
    throw interrupted();
  }
  return { release, usedMs: performance.now() - begun };
}

function interrupted(): BackupError {
  return new BackupError({ kind: "interrupted", doing: "freeze", found: "the run is to end" });
}

/** What kept mounts from being frozen; where the guard was lost, that is the cause. */
function freezeFailures({ outcomes, lost }: GuardAnswer, mounts: readonly MountToFreeze[]): Failure[] {
  const said = outcomes.filter(({ word }) => word === "busy" || word === "failed").map(freezeFailure);
  if (lost !== undefined) {
    const doing = `freeze ${mounts.map(({ path }) => path).join(", ")}`;
    said.push({ kind: "unexpected", doing, found: `${lost}; ${restOf(outcomes)}` });
  }
  const stuck = stuckFailures(outcomes);
  const missing = mounts.filter(({ path }) => !outcomes.some((one) => one.path === path));
  if (said.length === 0)
    said.push(
      ...missing.map(({ path }) => ({
        kind: "unexpected" as const,
        doing: `freeze ${path}`,
        found: "the guard did not come to it",
      })),
    );
  return [...said, ...stuck];
}

function freezeFailure({ path, word, why }: MountOutcome): Failure {
  const doing = `freeze ${path}`;
  if (word === "busy") {
    const found = "it is frozen already by somebody else; it was left as it is";
    return {
      kind: "locked",
      doing,
      found,
      remedy: "find out who froze it; nothing of ours did",
      code: "EBUSY",
    };
  }
  const reason = why.slice(why.lastIndexOf(": ") + 1).trim();
  if (/not supported|Inappropriate ioctl/.test(why)) {
    const remedy = "leave the mount out of the freeze";
    return { kind: "configuration", doing, found: `its filesystem cannot be frozen (${reason})`, remedy };
  }
  if (why.includes("Operation not permitted")) {
    const remedy = "it needs CAP_SYS_ADMIN: run as root, and without PrivateUsers= in a service";
    return { kind: "denied", doing, found: "the system does not permit it", remedy, code: "EPERM" };
  }
  return { kind: "unexpected", doing, found: why === "" ? "fsfreeze failed" : reason };
}

/** What is to be said of all others where the guard was lost. */
function restOf(outcomes: readonly MountOutcome[]): string {
  return stuckFailures(outcomes).length === 0 ? "what was frozen has been thawed" : "NOT ALL IS THAWED";
}

function stuckFailures(outcomes: readonly MountOutcome[]): Failure[] {
  return outcomes.flatMap(({ path, word, why }): Failure[] => {
    if (word !== "stuck" && word !== "hanging") return [];
    const how = word === "stuck" ? "IT IS STILL FROZEN" : "IT MAY BE FROZEN STILL";
    const remedy = `it is tried again and again; by hand: fsfreeze -u ${path}, or ec2-backup thaw`;
    return [{ kind: "unexpected", doing: `thaw ${path}`, found: `${why}; ${how}`, remedy }];
  });
}

/** Nothing was frozen, since what would have thawed it was not there. */
function unarmedFailure({ outcomes, lost }: GuardAnswer, mounts: readonly MountToFreeze[]): Failure {
  const found = lost ?? outcomes[0]?.why ?? "the guard could not make ready";
  const doing = `freeze ${mounts.map(({ path }) => path).join(", ")}`;
  return { kind: "unexpected", doing, found: `${found}; nothing was frozen` };
}

function thawProblems({ outcomes, lost }: GuardAnswer, mounts: readonly MountToFreeze[]): Failure[] {
  const doing = (paths: readonly string[]): string => `keep ${paths.join(", ")} frozen during the capture`;
  if (lost !== undefined) {
    const paths = mounts.map(({ path }) => path);
    const found = `${lost}; ${restOf(outcomes)}`;
    return [{ kind: "unexpected", doing: doing(paths), found }, ...stuckFailures(outcomes)];
  }
  return mounts.flatMap(({ path }) => {
    const outcome = outcomes.find((one) => one.path === path);
    if (outcome?.word === "thawed") return [];
    if (outcome?.word === "stuck" || outcome?.word === "hanging") return stuckFailures([outcome]);
    const found = "it was thawed before, at the deadline or by somebody else";
    return [
      {
        kind: "unexpected" as const,
        doing: doing([path]),
        found,
        remedy: "see why the capture took so long",
      },
    ];
  });
}

/** A hold fails once: with the first failure's kind and everybody's words. */
function combined(first: Failure, more: readonly Failure[]): BackupError {
  const words = more.map(({ doing, found }) => `; ${doing}: ${found}`).join("");
  return new BackupError({ ...first, found: `${first.found}${words}` });
}
