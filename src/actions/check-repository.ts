import { afterPart, nextPart } from "../core/check-parts.ts";
import { counted } from "../core/counted.ts";
import { mend, onceEach } from "../core/mending.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { CheckResult } from "../core/store-answers.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import { type Done, opened, toldTo, type UpkeepDeps } from "./upkeep.ts";

export interface CheckOrder {
  /** Only the structure, and none of the data. */
  readonly structureOnly: boolean;
  /** Empty files of snapshots may go: a person has said so. */
  readonly removeEmpty: boolean;
  readonly planned: boolean;
  /** Milliseconds between two checks of the schedule: what the part follows from where none is remembered. */
  readonly gap: number;
}

/**
 * Checks a repository: its structure each time, and the next part of its data. A part is behind us only when it was
 * read to its end and found sound, so that a repair is looked at by the next check.
 */
export async function checkRepository(
  deps: UpkeepDeps,
  { structureOnly, removeEmpty, planned, gap }: CheckOrder,
  signal: AbortSignal,
): Promise<Done> {
  const { store, clock, state } = deps;
  const { config } = store;
  const facts = await opened(store, state, signal);
  const parts = structureOnly ? 0 : (config.check?.parts ?? 0);
  const part = parts === 0 ? undefined : nextPart(state, parts, clock.now(), gap);
  const read = part && `${part.part}/${part.of}`;
  if (planned) return { outcome: "done", facts, check: { sound: true, ...(read && { read }), errors: [] } };
  const problems: Problem[] = [];
  const tell = toldTo(problems, deps);
  const isNew = onceEach();
  let result = await store.check(part, deps.tell, signal);
  while (result.unreadable !== undefined && isNew(result.unreadable)) {
    const { again, failure } = await mend(store, result.unreadable, tell, signal);
    if (failure !== undefined) problems.push(problemOf("error", failure));
    if (failure !== undefined || !again) break;
    result = await store.check(part, deps.tell, signal);
  }
  if (result.unreadable?.kind === "snapshot" && removeEmpty) {
    for (const one of await store.removeEmpty(signal)) tell(config.name, one);
    result = await store.check(part, deps.tell, signal);
  }
  const { sound, errors } = result;
  const check = { sound, ...((result.read ?? read) && { read: result.read ?? read ?? "" }), errors };
  if (!sound) return { outcome: "unsound", facts, check, problems: [...problems, unsound(config, result)] };
  const remember = part && { parts: afterPart(part) };
  return { outcome: "done", facts, check, problems, ...(remember && { remember }) };
}

function unsound({ name, mirror }: RepositoryConfig, { errors, unreadable }: CheckResult): Problem {
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
      (unreadable?.kind === "snapshot"
        ? "a snapshot cannot be read: bring its file back from a copy; if it is empty, as a server leaves it that dies " +
          `while it is written, and no copy is left: ec2-backup repository check ${name} --remove-empty; otherwise `
        : "") +
      "look at the disk or the server below it first; prune nothing; then see restic's `rebuild-index` or `repair`, " +
      `back up again, and check again${copies}`,
  };
}
