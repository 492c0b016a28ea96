import { InvalidArgumentError, type Command as Program } from "commander";
import { auditDefaults } from "../core/audit-order.ts";
import type { Command } from "./command.ts";
import { duration } from "./parse.ts";
import { addScope, optionsBelow, scopeWishOf } from "./parse-scope.ts";

const examples = `Examples:
  ec2-backup sweep audit --all-regions        what is not backed up, or overdue
  ec2-backup sweep audit --html fleet.html    the same as a page
  ec2-backup sweep audit --retention "daily=7 weekly=4"  and what it would save
It reads, needs no agent, and exits with 1 where something is wrong. The rights:
ec2-backup policy audit`;

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}

function countOrNone(text: string): number {
  return text === "0" ? 0 : count(text);
}

/** The words of `ec2-backup sweep audit`. */
export function addAudit(place: Program, choose: (command: Command) => void): void {
  addScope(place.command("audit"))
    .description("tell what is not backed up, overdue, failed, expired, kept twice or about to be lost")
    .option("--overdue-after <duration>", "how old the newest backup may be (default: 26h)", duration)
    .option("--copy-lag <duration>", "how far copies may lag behind (default: 26h)", duration)
    .option("--quota <count>", "snapshots that the Region may hold (default: AWS is asked)", count)
    .option(
      "--requests <count>",
      "requests to list changed blocks with (default: 1000); 0 = none",
      countOrNone,
    )
    .option("--retention <rules>", "tell what this retention would save")
    .option("--stanzas <file>", "judge by what the stanzas of ebs_snapper ask for, too")
    .option("--html <file>", "write the report as a page, too")
    .option("--publish", "tell the number of overdue instances as a metric of each account and Region")
    .option("--notify", "tell those whom notify names in the configuration")
    .option(
      "--webhook-file <file>",
      "a file with a URL that gets the result as JSON, with a key that stays the same",
    )
    .option("--dry-run", "tell nobody: no metric, message or webhook")
    .addHelpText("after", `\n${examples}`)
    .action((_own: unknown, program: Program) => {
      const options = optionsBelow(program, place);
      const {
        overdueAfter = auditDefaults.overdueAfter,
        copyLag = auditDefaults.copyLag,
        quota,
        requests,
        retention,
        html,
        webhookFile,
        stanzas,
      } = options;
      const tells = options["dryRun"] !== true;
      const order = {
        scope: scopeWishOf(options, program),
        overdueAfter: overdueAfter as number,
        copyLag: copyLag as number,
        publish: tells && options["publish"] === true,
        notify: tells && options["notify"] === true,
        ...(typeof quota === "number" ? { quota } : {}),
        ...(typeof requests === "number" ? { requests } : {}),
        ...(typeof retention === "string" ? { retention } : {}),
        ...(typeof stanzas === "string" ? { stanzas } : {}),
        ...(typeof html === "string" ? { html } : {}),
        ...(tells && typeof webhookFile === "string" ? { webhookFile } : {}),
      };
      choose({ name: "sweep", action: "audit", order });
    });
}
