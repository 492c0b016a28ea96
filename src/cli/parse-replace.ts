import type { Command as Program } from "commander";
import type { RestoreWish } from "../core/restore-plan.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { RestoreAction } from "./command.ts";
import { onlyUndo } from "./only-undo.ts";
import { label, restoreId } from "./restore-words.ts";

type Options = Record<string, unknown>;

/** What the words that all restores have in common come to. */
type Read = (options: Options) => {
  readonly query: PointQuery;
  readonly shapeOf: (volumes: readonly string[]) => RestoreWish;
};

const text = `Nothing is done without --yes. The old volume is unmounted, never by force,
and detached; the new one takes its device and its mounts. If a step fails, the
old one is brought back by itself. It is kept and tagged, never deleted. The
same words go on where an invocation that was killed has ended; --undo goes
back. Your own root volume: EC2 exchanges it, and REBOOTS this host.

Examples:
  ec2-backup restore replace --at "26h ago"    all data volumes: only the plan
  ec2-backup restore replace /dev/sdf --point 0193a1b2-c3d4 --yes
  ec2-backup restore replace root --point 0193a1b2-c3d4 --yes    it reboots
  ec2-backup restore replace root --instance i-0123456789abcdef0 --stop --yes
  ec2-backup restore replace --undo            what would go back; add --yes`;

/** The words of `ec2-backup restore replace`. */
export function addReplace(command: Program, pick: (action: RestoreAction) => void, read: Read): void {
  command
    .description("put volumes of a point in the places of those that are attached now")
    .argument("[volume...]", "ids or devices of captured volumes, or root (default: all but the root)")
    .option("--stop", "root of another instance: stop it, exchange the volumes, start it")
    .option("--keep-new", "where it fails or is undone: do not remove the new volumes")
    .option("--label <word>", "another replacement by the same point, after an earlier one", label)
    .option("--undo", "bring the old volumes back where a replacement was not finished")
    .option("--restore <id>", "with --undo: this replacement, also if it was finished", restoreId)
    .option("--dry-run", "show the plan, as without --yes")
    .option("--yes", "do it")
    .addHelpText("after", `\n${text}`)
    .action((volumes: string[], options: Options) => {
      const yes = options["yes"] === true && options["dryRun"] !== true;
      const keepNew = options["keepNew"] === true;
      const { restore, instance } = options;
      if (options["undo"] === true) {
        onlyUndo(command, volumes, options, ["instance", "keepNew"]);
        if (typeof instance === "string" && !/^i-[0-9a-f]{8,17}$/.test(instance))
          command.error("error: --undo needs the id of the instance: --instance i-…");
        pick({
          action: "undo-replace",
          yes,
          keepNew,
          ...(typeof restore === "string" ? { restore } : {}),
          ...(typeof instance === "string" ? { instance } : {}),
        });
        return;
      }
      if (restore !== undefined) command.error("error: --restore needs --undo");
      const { query, shapeOf } = read(options);
      const stop = options["stop"] === true;
      pick({ action: "replace", query, wish: shapeOf(volumes), stop, keepNew, yes });
    });
}
