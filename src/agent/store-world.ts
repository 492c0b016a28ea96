import { BackupError } from "../core/errors.ts";
import type { RepositoryConfig, Store } from "../core/store-ports.ts";
import type { HostProcess } from "./this-host.ts";

/** What opening a repository needs to know of this process and its configuration. */
export interface StoreGround {
  /** All of the configuration: a mirror is opened beside its source. */
  readonly repositories: readonly RepositoryConfig[];
  readonly self: HostProcess;
  /** Where restic's cache lies too. */
  readonly stateDirectory: string;
  /** The region that S3 is asked in where nothing else says one. */
  readonly region?: string;
}

/**
 * A repository by its name in the configuration. Looks at restic, its version and the files that the configuration
 * names, and asks the repository nothing yet: {@link Store.open} does. Rejects with a BackupError of kind
 * `configuration`, with what to do.
 */
export async function openStore(name: string, ground: StoreGround, signal: AbortSignal): Promise<Store> {
  const config = ground.repositories.find((one) => one.name === name);
  if (config === undefined) throw unknown(name, ground.repositories);
  const { resticStore } = await import("../engines/restic-store.ts");
  const { self, stateDirectory, region } = ground;
  const { uid, env, home, kill } = self;
  const owner = {
    ...{ uid, env, home },
    cacheDirectory: `${stateDirectory}/restic-cache`,
    unconfirmedDirectory: `${stateDirectory}/unconfirmed`,
  };
  return resticStore(config, { owner, kill, keys: () => keysOf(env, region) }, signal);
}

/** Loaded where a repository in S3 has no login of its own. */
async function keysOf(env: HostProcess["env"], region: string | undefined) {
  const { storeKeys } = await import("../aws/store-keys.ts");
  const { routeOf } = await import("./route.ts");
  return storeKeys({ region: region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"], route: routeOf(env) });
}

function unknown(name: string, repositories: readonly RepositoryConfig[]): BackupError {
  const names = repositories.map((one) => one.name);
  return new BackupError({
    kind: "configuration",
    doing: `use the repository ${name}`,
    found: "the configuration names no such repository",
    remedy: names.length === 0 ? "add it under repositories" : `name one of ${names.join(", ")}`,
  });
}
