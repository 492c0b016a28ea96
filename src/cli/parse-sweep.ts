import { InvalidArgumentError, type Command as Program } from "commander";
import { type CreateWish, type SweepPart, sweepParts } from "../core/sweep-order.ts";
import type { AddWords } from "./parse.ts";
import { addAdopt } from "./parse-adopt.ts";
import { addAudit } from "./parse-audit.ts";
import { addFleetAlarms } from "./parse-fleet-alarms.ts";
import { addScope, scopeWishOf } from "./parse-scope.ts";

type Options = Record<string, unknown>;

function parts(text: string): readonly SweepPart[] {
  const words = text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !sweepParts.some((part) => part === word));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`${unknown} is none of ${sweepParts.join(", ")}.`);
  return words as SweepPart[];
}

function filter(text: string, before: CreateWish["filters"] = []): CreateWish["filters"] {
  const at = text.indexOf("=");
  const values = text
    .slice(at + 1)
    .split(",")
    .filter((value) => value !== "");
  const name = text.slice(0, Math.max(0, at));
  if (!/^[\w:/.@+-]{1,255}$/.test(name) || values.length === 0)
    throw new InvalidArgumentError("expected a filter such as tag:Name=web-*,db-1.");
  return [...before, { name, values }];
}

/** The words of `ec2-backup sweep`. */
export const addSweep: AddWords = (place, choose) => {
  place.helpCommand(false).configureHelp({
    showGlobalOptions: true,
    // What is said to the sweep itself is no option of the commands below it.
    visibleGlobalOptions: () => place.parent?.options.filter(({ hidden }) => !hidden) ?? [],
  });
  addScope(place)
    .option("--only <parts>", `of ${sweepParts.join(", ")}, with commas`, parts)
    .option("--all", "capture also instances (and volumes) without a Backup tag")
    .option("--unattached", "capture also volumes that no instance has")
    .option(
      "--filter <name=values>",
      "capture only instances that this filter of EC2 leaves; several times",
      filter,
    )
    .option("--stanzas <file>", "go by ebs_snapper's stanzas in this file")
    .option("--stop", "stop, capture and start what has the tag Backup_Stop=yes (sweep.create.stop)")
    .option("--yes", "release the brake, and go by EC2's clock where this host's disagrees")
    .option("--dry-run", "change nothing, show what would be done")
    .action((options: Options, program: Program) => {
      const { only = [], yes, stop, dryRun, stanzas, filter: filters = [] } = options;
      const create = {
        all: options["all"] === true,
        unattached: options["unattached"] === true,
        filters: filters as CreateWish["filters"],
      };
      const asked = create.all || create.unattached || create.filters.length > 0;
      const order = {
        scope: scopeWishOf(options, program),
        only: only as readonly SweepPart[],
        dryRun: dryRun === true,
        yes: yes === true,
        stop: stop === true,
        ...(asked ? { create } : {}),
        ...(typeof stanzas === "string" ? { stanzas } : {}),
      };
      choose({ name: "sweep", action: "run", order });
    });
  addAudit(place, choose);
  addFleetAlarms(place, choose);
  addAdopt(place, choose);
};
