import type { Log } from "../core/ports.ts";
import { upkeepLock } from "../core/upkeep-names.ts";
import { unreleased } from "../host/lock.ts";
import { endOfChild } from "./child.ts";

/** How long until it is tried again where a repository did not answer, in milliseconds. */
const retryEvery = 10 * 60_000;

/**
 * Returns what starts `repository unlock --left` as a process of its own, where the upkeep of a repository was killed
 * on this host: its lock would keep all others out until this one looks after it again. Others pay one look at the
 * names of the locks.
 */
export function unlocker(
  self: readonly string[],
  global: readonly string[],
  stateDirectory: string,
  log: Log,
): () => void {
  let isBusy = false;
  const start = (): void => {
    const left = unreleased(`${stateDirectory}/locks`).some((name) => upkeepLock.isOne(name));
    if (isBusy || !left) return;
    isBusy = true;
    const failed = (found: string): void => {
      log("warn", `what killed upkeep has locked is locked still: ${found}; tried again in 10 min`);
      setTimeout(start, retryEvery).unref();
    };
    void endOfChild([...self, ...global, "--json", "repository", "unlock", "--left"]).then(
      ({ code, text }) => {
        isBusy = false;
        if (code === undefined) failed(text);
        else if (code !== 0) failed(code === null ? "it was killed" : `exit code ${code}`);
      },
    );
  };
  return start;
}
