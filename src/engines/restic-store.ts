import { BackupError } from "../core/errors.ts";
import type { StoreFacts } from "../core/store-answers.ts";
import type { RepositoryConfig, Store } from "../core/store-ports.ts";
import type { Kill } from "../host/process-group.ts";
import { type ResticOwner, resticAccess } from "../host/restic-environment.ts";
import { findRestic } from "../host/restic-program.ts";
import { clockOf } from "./restic-clock.ts";
import { copyFrom, withBoth } from "./restic-copy.ts";
import { changedFiles } from "./restic-diff.ts";
import { clearDead, locksOf, unlock, whenUnlocked } from "./restic-locks.ts";
import { markOrTell, unreadOf } from "./restic-marker.ts";
import { mend, removeEmpty } from "./restic-mend.ts";
import { messageOf, numberIn, textIn } from "./restic-messages.ts";
import { dumpFile, listTree, restoreTree } from "./restic-read.ts";
import { type ResticRunner, resticRunner, type StoreKeys } from "./restic-runner.ts";
import { saveFiles, saveStream } from "./restic-save.ts";
import { snapshotsOf, strange } from "./restic-snapshots.ts";
import { check, forget, prune } from "./restic-tend.ts";

/** What a store of restic needs of the process that it belongs to. */
export interface StoreProcess {
  readonly owner: ResticOwner;
  readonly kill: Kill;
  readonly keys?: StoreKeys;
}

/** To copy, restic must be told of both repositories at once. */
const runners = new WeakMap<Store, ResticRunner>();

/** A repository by restic. Looks at the program and at the files that the configuration names, and no further. */
export async function resticStore(
  config: RepositoryConfig,
  { owner, kill, keys }: StoreProcess,
  signal: AbortSignal,
): Promise<Store> {
  const program = await findRestic(config.program, owner, signal);
  const access = await resticAccess(config, owner, signal);
  const runner = resticRunner({ config, program, access, owner, kill, ...(keys && { keys }) });
  const store: Store = {
    config,
    open: (stop) => open(runner, stop),
    init: (stop, like) => init(runner, like, stop),
    saveFiles: (order, tell, stop) => saveFiles(runner, order, tell, stop),
    saveStream: (order, source, tell, stop) => saveStream(runner, order, source, tell, stop),
    markPartial: (id, unread, order, stop) => markOrTell(runner, id, unread, order, stop),
    unreadOf: (marker, stop) => unreadOf(runner, marker, stop),
    snapshots: (tags, stop) => snapshotsOf(runner, tags, stop),
    clock: (stop) => clockOf(runner, stop),
    forget: (ids, stop) => forget(runner, ids, stop),
    prune: (tell, stop) => prune(runner, tell, stop),
    check: (part, tell, stop) => check(runner, part, tell, stop),
    mend: (unreadable, stop) => mend(runner, unreadable, stop),
    removeEmpty: (stop) => removeEmpty(runner, stop),
    copyFrom: (from, ids, tell, stop) => copyFrom(runner, runnerOf(from), ids, tell, stop),
    changed: (one, other, stop) => changedFiles(runner, one, other, stop),
    list: (snapshot, at, stop) => listTree(runner, snapshot, at, stop),
    dump: (snapshot, path, output, stop) => dumpFile(runner, snapshot, path, output, stop),
    restore: (order, tell, stop) => restoreTree(runner, order, tell, stop),
    locks: (stop) => locksOf(runner, stop),
    clearDead: (stop) => clearDead(runner, stop),
    unlock: (stop) => unlock(runner, stop),
  };
  runners.set(store, runner);
  return store;
}

function runnerOf(store: Store): ResticRunner {
  const runner = runners.get(store);
  if (runner !== undefined) return runner;
  const doing = `copy from ${store.config.name}`;
  throw new BackupError({ kind: "unexpected", doing, found: "it is no repository of restic" });
}

async function open(runner: ResticRunner, signal: AbortSignal): Promise<StoreFacts> {
  const lines: string[] = [];
  const words = ["cat", "config", "--no-lock"];
  await runner.run({ doing: "open the repository", words, line: (one) => void lines.push(one) }, signal);
  const message = messageOf(lines.join(""));
  const repositoryId = message === undefined ? undefined : textIn(message, "id");
  const formatVersion = message === undefined ? undefined : numberIn(message, "version");
  if (repositoryId === undefined || formatVersion === undefined)
    throw strange(
      runner,
      `no configuration of a repository: ${runner.conceal(lines.join(" ").slice(0, 200))}`,
    );
  return { repositoryId, formatVersion, program: runner.ground.program.version };
}

async function init(runner: ResticRunner, like: Store | undefined, signal: AbortSignal): Promise<StoreFacts> {
  const doing = "make a repository";
  if (like === undefined) {
    await whenUnlocked(runner, signal, () => runner.run({ doing, words: ["init"] }, signal));
    return open(runner, signal);
  }
  const from = runnerOf(like).ground;
  await withBoth(runner.ground, from, doing, (both) => {
    const call = { doing, words: ["init", "--copy-chunker-params"], from, ...both };
    return whenUnlocked(runner, signal, () => runner.run(call, signal));
  });
  return open(runner, signal);
}
