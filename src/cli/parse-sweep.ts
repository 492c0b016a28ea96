import { InvalidArgumentError } from "commander";
import { type SweepPart, sweepParts } from "../core/sweep-order.ts";
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

/** The words of `ec2-backup sweep`. */
export const addSweep: AddWords = (place, choose) => {
  place.helpCommand(false);
  addScope(place)
    .option("--only <parts>", `of ${sweepParts.join(", ")}, with commas`, parts)
    .option("--stop", "stop, capture and start what has the tag Backup_Stop=yes (sweep.create.stop)")
    .option("--yes", "release the brake, and go by EC2's clock where this host's disagrees")
    .option("--dry-run", "change nothing, show what would be done")
    .action((options: Options) => {
      const { only = [], yes, stop, dryRun } = options;
      const order = {
        scope: scopeWishOf(options),
        only: only as readonly SweepPart[],
        dryRun: dryRun === true,
        yes: yes === true,
        stop: stop === true,
      };
      choose({ name: "sweep", action: "run", order });
    });
  addAudit(place, choose);
  addFleetAlarms(place, choose);
  addAdopt(place, choose);
};
