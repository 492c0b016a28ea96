import { afterPart, nextPart } from "../core/check-parts.ts";
import { counted } from "../core/counted.ts";
import { mendedIn } from "../core/mending.ts";
import type { Problem } from "../core/report.ts";
import type { CheckResult } from "../core/store-answers.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import { asProblems, type Done, opened, type UpkeepDeps } from "./upkeep.ts";

export interface CheckOrder {
  /** Only the structure, and none of the data. */
  readonly structureOnly: boolean;
  readonly planned: boolean;
  /** Milliseconds between two checks of the schedule: what the part follows from where none is remembered. */
  readonly gap: number;
}

/**
 * Checks a repository: its structure each time, and the next part of its data. A part is behind us only when it was
 * read to its end and found sound, so that a repair is looked at by the next check.
 */
export async function checkRepository(
  { store, clock, tell, state }: UpkeepDeps,
  { structureOnly, planned, gap }: CheckOrder,
  signal: AbortSignal,
): Promise<Done> {
  const { config } = store;
  const facts = await opened(store, state, signal);
  const parts = structureOnly ? 0 : (config.check?.parts ?? 0);
  const part = parts === 0 ? undefined : nextPart(state, parts, clock.now(), gap);
  const read = part && `${part.part}/${part.of}`;
  if (planned) return { outcome: "done", facts, check: { sound: true, ...(read && { read }), errors: [] } };
  const mended: string[] = [];
  let result = await store.check(part, tell, signal);
  // An index that cannot be read hides what else there is.
  for (const what of ["index", "snapshot"] as const) {
    if (result.unreadable !== what) continue;
    const cleared = await store.mend(what, signal).catch(() => []);
    if (cleared.length === 0) break;
    mended.push(...cleared);
    result = await store.check(part, tell, signal);
  }
  const told = mended.length === 0 ? [] : asProblems("warning", [mendedIn(config.name, mended)]);
  const { sound, errors } = result;
  const check = { sound, ...((result.read ?? read) && { read: result.read ?? read ?? "" }), errors };
  if (!sound) return { outcome: "unsound", facts, check, problems: [...told, unsound(config, result)] };
  const remember = part && { parts: afterPart(part) };
  return { outcome: "done", facts, check, problems: told, ...(remember && { remember }) };
}

function unsound({ name, mirror }: RepositoryConfig, { errors }: CheckResult): Problem {
  const [first = "restic says that it is damaged"] = errors;
  const more = errors.length > 1 ? ` (and ${counted(errors.length - 1, "more line")} of it)` : "";
  const copies = mirror === undefined ? "" : `; its copies are in ${mirror.to}`;
  return {
    severity: "error",
    kind: "refused",
    code: "RepositoryUnsound",
    doing: `check the repository ${name}`,
    found: `${first}${more}`,
    remedy:
      "look at the disk or the server below it first; prune nothing; then see restic's `rebuild-index` or `repair`, " +
      `back up again, and check again${copies}`,
  };
}
