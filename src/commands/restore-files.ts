import { blocked, type FilesAnswer, lookForFiles } from "../agent/restore-files.ts";
import type { RestoreOptions } from "../agent/restore-session.ts";
import { pointJson } from "../cli/list.ts";
import { printCopied, printFilesPlan, printListing } from "../cli/restore-files.ts";
import type { RestoreFilesAction } from "../cli/restore-files-action.ts";
import { field } from "../cli/restore-volumes.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { FilesAct } from "../core/file-ports.ts";
import { exitCodes } from "../core/report.ts";
import type { Context, Result } from "./command.ts";

/** \`restore file\`, \`ls\` and \`cat\`. */
export async function files(
  command: RestoreFilesAction,
  act: FilesAct,
  options: RestoreOptions,
  { stop }: Context,
): Promise<Result> {
  const { query, path, volumes, filesystem, planned } = command;
  const order = { query, path, volumes, planned, act, ...(filesystem && { filesystem }) };
  const answer = await lookForFiles(order, options, stop);
  return {
    code: codeOf(answer, planned),
    json: jsonOf(path, answer),
    // On standard output there is nothing but the bytes.
    whole: command.action === "cat" && answer.looked !== undefined,
    print: (out) => print(command, answer, out),
  };
}

function codeOf({ looked, leftovers, ways }: FilesAnswer, planned: boolean): number {
  if (looked === undefined) return planned && !blocked(ways) ? exitCodes.done : exitCodes.nothingDone;
  const unclean = looked.left !== undefined || leftovers.some(({ outcome }) => outcome === "failed");
  return unclean ? exitCodes.partlyDone : exitCodes.done;
}

function jsonOf(path: string, { found, choice, ways, to, leftovers, looked }: FilesAnswer): object {
  const { zone, at } = found;
  return {
    path,
    chosen: { because: choice.because, zone, ...(at && { at }) },
    point: pointJson(choice.point),
    ways: ways.map(({ volumes, paths, because, plan }) => ({
      volumes,
      paths,
      because,
      restore: plan.id,
      obstacles: plan.obstacles,
    })),
    ...(to === undefined ? {} : { to }),
    leftovers,
    ...(looked && {
      found: {
        path: looked.found.path,
        filesystem: looked.found.filesystem.type,
        volumes: looked.way.volumes,
      },
      ...looked.value,
      ...(looked.left === undefined ? {} : { left: looked.left }),
    }),
  };
}

function print(command: RestoreFilesAction, answer: FilesAnswer, out: Terminal): void {
  const { choice, ways, to, looked, found, leftovers } = answer;
  const { zone } = found;
  if (looked === undefined) {
    printFilesPlan({ path: command.path, choice, ways, zone, ...(to === undefined ? {} : { to }) }, out);
    out.print("");
    out.print(
      command.planned
        ? "Nothing has been done: leave out --dry-run"
        : "Nothing has been done: another point may be restored, see `ec2-backup restore list`",
    );
    return;
  }
  if (command.action === "cat") return;
  const { entries, copied } = looked.value;
  if (entries !== undefined) printListing(entries, zone, out);
  if (copied !== undefined) printCopied(command.path, copied, choice.point, zone, out);
  if (copied !== undefined && looked.way.paths[0] !== looked.found.path)
    field("found", `as ${looked.found.path} on ${looked.way.volumes.join(", ")}`, out);
  if (looked.left !== undefined) field("left", looked.left, out);
  for (const { id, outcome } of leftovers)
    if (copied !== undefined && outcome === "removed") field("removed", `${id}, a left-over`, out);
}
