import { Option, type Command as Program } from "commander";
import { foreignTools } from "../core/foreign-tools.ts";
import type { Command } from "./command.ts";
import { addScope, optionsBelow, scopeWishOf } from "./parse-scope.ts";

const examples = `Examples:
  ec2-backup sweep adopt --from ebs-snapper   what would be taken over
  ec2-backup sweep adopt --from bash-snapshot --retention "daily=7"
  ec2-backup sweep adopt --from bash-snapshot --retention "daily=7" --yes
It writes tags and removes nothing: from then on ec2-backup sweep prunes what
was taken over. End the other tool first.`;

/** The words of `ec2-backup sweep adopt`. */
export function addAdopt(place: Program, choose: (command: Command) => void): void {
  const names = foreignTools.filter(({ ofAws, marksOnly }) => !ofAws && !marksOnly).map(({ id }) => id);
  addScope(place.command("adopt"))
    .description("take over snapshots that another tool has made, so that retention here manages them")
    .addOption(new Option("--from <tool>", "whose snapshots").choices(names).makeOptionMandatory())
    .option("--retention <rules>", "how long they are kept (default: as long as each says itself)")
    .option("--yes", "write the tags; without it they are shown")
    .option("--dry-run", "show them, also beside --yes")
    .addHelpText("after", `\n${examples}`)
    .action((_own: unknown, program: Program) => {
      const options = optionsBelow(program, place);
      const { from, retention, yes } = options;
      const order = {
        scope: scopeWishOf(options, program),
        from: String(from),
        yes: yes === true && options["dryRun"] !== true,
        ...(typeof retention === "string" ? { retention } : {}),
      };
      choose({ name: "sweep", action: "adopt", order });
    });
}
