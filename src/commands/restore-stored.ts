import type { RestoreOptions } from "../agent/restore-session.ts";
import { lookInStored } from "../agent/restore-stored.ts";
import { routeOf } from "../agent/stored-route.ts";
import { absoluteTarget } from "../agent/working-directory.ts";
import { pointJson } from "../cli/list.ts";
import { printListing } from "../cli/restore-files.ts";
import type { RestoreFilesAction } from "../cli/restore-files-action.ts";
import { printStoredDone, printStoredPlan } from "../cli/restore-stored.ts";
import { dumpLoading } from "../core/dump-loading.ts";
import { BackupError } from "../core/errors.ts";
import type { FilesAct } from "../core/file-ports.ts";
import { exitCodes } from "../core/report.ts";
import type { StoredAnswer } from "../core/stored-answer.ts";
import type { Context, Result } from "./command.ts";

/** `restore file`, `ls` and `cat`, of a repository where one has what is asked for and else of volumes. */
export async function storedOrVolumes(
  command: RestoreFilesAction,
  options: RestoreOptions,
  context: Context,
): Promise<Result> {
  const { query, path, volumes, filesystem, planned } = command;
  const { global, stop } = context;
  const paths = [path, ...(command.action === "file" ? (command.more ?? []) : [])];
  if (command.action === "cat" && global.json && !planned)
    throw new BackupError({
      kind: "usage",
      doing: `write ${path} to standard output`,
      found: "the bytes of a file are no JSON",
      remedy: "leave out --json, or add --dry-run",
    });
  const act = actOf(command);
  const ofVolumes = command.ofVolumes === true || volumes.length > 0 || filesystem !== undefined;
  const route = await routeOf({ query, paths, ofVolumes }, options, stop);
  if (route.kind === "volumes") {
    if (route.because !== undefined) options.log("info", `${route.because}: points of volumes are looked at`);
    if (paths.length > 1)
      throw new BackupError({
        kind: "usage",
        doing: `restore ${paths.join(", ")}`,
        found: "each path may lie on other volumes",
        remedy: "name one at a time; several are brought back together from a repository only",
      });
    const { files } = await import("./restore-files.ts");
    return files(command, act, options, context);
  }
  const { session, found, because } = route;
  const order = { query, paths, act, planned };
  const answer = await lookInStored(order, found, session, stop);
  return {
    code: exitCodes.done,
    json: jsonOf(paths, answer, because, found.notes),
    // On standard output there is nothing but the bytes.
    whole: answer.written === true,
    print(out) {
      if (answer.written === true) return;
      if (answer.entries !== undefined && !planned) printListing(answer.entries, answer.zone, out);
      else if (planned)
        printStoredPlan({ paths, answer, ...(because && { because }), notes: found.notes }, out);
      else printStoredDone({ paths, answer, ...(because && { because }), notes: found.notes }, out);
    },
  };
}

function actOf(command: RestoreFilesAction): FilesAct {
  switch (command.action) {
    case "ls":
      return { kind: "ls" };
    case "cat":
      // Of this process: standard output.
      return { kind: "cat", descriptor: 1 };
    case "file":
      return {
        kind: "file",
        existing: command.existing,
        ...(command.to === undefined ? {} : { to: targetOf(command.to) }),
      };
  }
}

function targetOf(given: string): string {
  const to = absoluteTarget(given);
  if (to !== "/") return to;
  const found = "nothing can take the place of /";
  throw new BackupError({ kind: "usage", doing: `restore to ${given}`, found });
}

function jsonOf(
  paths: readonly string[],
  { choice, zone, at, repository, items, entries }: StoredAnswer,
  because: string | undefined,
  notes: readonly string[],
): object {
  return {
    path: paths[0],
    ...(paths.length > 1 ? { paths } : {}),
    chosen: { because: choice.because, zone, ...(at && { at }) },
    point: pointJson(choice.point),
    repository: { name: repository, ...(because && { because }) },
    ...(notes.length > 0 ? { notes } : {}),
    ...(entries
      ? { entries }
      : { items: items.map((item) => ({ ...item, ...loadingOf(choice.point, item) })) }),
  };
}

/** What loads a dump again, where the item is one that has been restored. */
function loadingOf(point: StoredAnswer["choice"]["point"], { copied }: StoredAnswer["items"][number]) {
  const load = copied === undefined ? undefined : dumpLoading(point, copied.to);
  return load === undefined ? {} : { load };
}
