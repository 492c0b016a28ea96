import { mkdirSync } from "node:fs";
import type { RepositoryConfig, Store } from "../../../src/core/store-ports.ts";
import { resticStore } from "../../../src/engines/restic-store.ts";

/** A repository by the real engine, with a cache of its own in the directory. */
export function opened(config: RepositoryConfig, directory: string, signal: AbortSignal): Promise<Store> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { PATH } = process.env;
  const owner = {
    ...{ uid: process.getuid?.(), env: { PATH }, home: directory },
    cacheDirectory: directory,
    unconfirmedDirectory: `${directory}/unconfirmed`,
  };
  return resticStore(config, { owner, kill: (pid, name) => void process.kill(pid, name) }, signal);
}
