import type { RestoreOptions } from "../agent/restore-session.ts";
import { diffStored, findInStored } from "../agent/search-stored.ts";
import { findStored, type StoredFound, type StoredSession, storedSession } from "../agent/stored-session.ts";
import { pointJson } from "../cli/list.ts";
import type { RestoreSearchAction } from "../cli/restore-files-action.ts";
import { printDiff, printFound } from "../cli/restore-search.ts";
import { BackupError } from "../core/errors.ts";
import { exitCodes } from "../core/report.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { DiffAnswer, FindAnswer } from "../core/stored-answer.ts";
import type { Context, Result } from "./command.ts";

/** `restore find` and `restore diff`: of stored points only. */
export async function search(
  command: RestoreSearchAction,
  options: RestoreOptions,
  { stop }: Context,
): Promise<Result> {
  const { session, found } = await storedOnly(command, options, stop);
  if (command.action === "find") {
    const answer = await findInStored(command, found, session, stop);
    const { pattern } = command.find;
    return {
      code: exitCodes.done,
      json: { ...findJson(pattern, answer), ...notesJson(found) },
      print: (out) => printFound({ pattern, every: command.every, notes: found.notes, ...answer }, out),
    };
  }
  const answer = await diffStored(command, found, session, stop);
  return {
    code: exitCodes.done,
    json: { ...diffJson(answer), ...notesJson(found) },
    print: (out) => printDiff({ notes: found.notes, ...answer }, out),
  };
}

async function storedOnly(
  { action, query }: { readonly action: string; readonly query: PointQuery },
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<{ readonly session: StoredSession; readonly found: StoredFound }> {
  const session =
    query.from === undefined && query.region === undefined ? storedSession(query, options) : undefined;
  if (session === undefined)
    throw new BackupError({
      kind: "usage",
      doing: action === "find" ? "look for names in points" : "compare points",
      found: "no repository is configured, and points of volumes have no listing",
      remedy:
        "a repository: --repository URL --password-file FILE; a volume: `ec2-backup restore ls DIR` shows one directory, `ec2-backup restore volumes --mount DIR` all",
    });
  const found = await findStored(query, session, signal);
  const [failure] = found.failures;
  if (found.points.length === 0 && failure !== undefined) throw failure;
  if (failure !== undefined) options.log("warn", failure.message);
  return { session, found };
}

function notesJson({ notes, failures }: StoredFound): object {
  const all = [...notes, ...failures.map(({ message }) => message)];
  return all.length === 0 ? {} : { notes: all };
}

function findJson(pattern: string, { points, versions, zone, at }: FindAnswer): object {
  return {
    pattern,
    zone,
    ...(at && { at }),
    points: points.map((point) => pointJson(point)),
    found: versions.map(({ entry, points: of }) => ({ ...entry, points: of.map(({ id }) => id) })),
  };
}

function diffJson({ before, after, changes, sum, zone, exact }: DiffAnswer): object {
  return {
    before: pointJson(before),
    after: pointJson(after),
    zone,
    compared: exact ? "contents" : "sizes and times",
    sum,
    changes,
  };
}
