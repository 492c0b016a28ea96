import { BackupError } from "../core/errors.ts";
import { missingRemedy } from "../core/missing-repository.ts";
import type { Problem } from "../core/report.ts";
import type { StoreFacts } from "../core/store-answers.ts";
import type { Store } from "../core/store-ports.ts";
import type { Done, UpkeepDeps } from "./upkeep.ts";

export interface InitOrder {
  readonly planned: boolean;
  /** Also where this host knew one that is not there any more. */
  readonly anew: boolean;
  /** The repository that will be copied into this one: both cut files in the same places, so that copies share data. */
  readonly source?: Store;
}

/**
 * Makes a repository where none is. One that is there stays as it is; where this host knew one that is not there any
 * more, it is more likely out of reach than gone, and none is made in its place unless a person says so.
 */
export async function initRepository(
  { store, state }: Pick<UpkeepDeps, "store" | "state">,
  { planned, anew, source }: InitOrder,
  signal: AbortSignal,
): Promise<Done> {
  const { name, url } = store.config;
  const there = await store.open(signal).catch((error: unknown) => {
    if (error instanceof BackupError && error.kind === "not-found") return undefined;
    throw error;
  });
  if (there !== undefined)
    return { outcome: "done", facts: there, problems: [notice(name, `it is there already: ${idOf(there)}`)] };
  const seen = state?.known?.at;
  if (seen !== undefined && !anew)
    throw new BackupError({
      kind: "refused",
      code: "WasThere",
      doing: `make the repository ${name}`,
      found: "there is none, and this host had one there",
      remedy: `${missingRemedy({ name, url, seen })}; if it is gone for good: --anew`,
    });
  if (planned) return { outcome: "done", problems: [notice(name, "there is none, so one would be made")] };
  const like = await openable(source, signal);
  const facts = await store.init(signal, like);
  return { outcome: "done", facts };
}

/** Where that is out of reach, copies only take more room. */
async function openable(source: Store | undefined, signal: AbortSignal): Promise<Store | undefined> {
  if (source === undefined) return undefined;
  return source.open(signal).then(
    () => source,
    () => undefined,
  );
}

function idOf({ repositoryId }: StoreFacts): string {
  return repositoryId.slice(0, 8);
}

function notice(name: string, found: string): Problem {
  return { severity: "notice", kind: "refused", doing: `make the repository ${name}`, found };
}
