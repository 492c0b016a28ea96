import { InvalidArgumentError, type Command as Program } from "commander";
import { formatDuration } from "../core/duration.ts";
import { auditEveryRange } from "../core/fleet-alarm.ts";
import type { FleetOrder } from "../core/fleet-report.ts";
import type { Command } from "./command.ts";
import { duration } from "./parse.ts";
import { addScope, optionsBelow, scopeWishOf } from "./parse-scope.ts";

const examples = `Examples:
  ec2-backup sweep alarms plan --all-regions      what is, what should be
  ec2-backup sweep alarms apply --all-regions     one each account and Region
  ec2-backup sweep alarms apply --audit-every 6h  for audits every 6 hours
  ec2-backup sweep alarms remove --dry-run
It needs \`ec2-backup sweep audit --publish\` to run regularly, and rings if
that ends. The rights: ec2-backup policy sweep-alarms`;

const { from, to } = auditEveryRange;

function every(text: string): number {
  const ms = duration(text);
  if (ms < from || ms > to)
    throw new InvalidArgumentError(
      `expected a duration from ${formatDuration(from)} to ${formatDuration(to)}.`,
    );
  return ms;
}

/** The words of `ec2-backup sweep alarms`. */
export function addFleetAlarms(sweep: Program, choose: (command: Command) => void): void {
  const place = sweep
    .command("alarms")
    .description("one alarm for each account and Region instead of alarms of each instance")
    .helpCommand(false)
    .addHelpText("after", `\n${examples}`);
  const add = (verb: FleetOrder["verb"], description: string): Program =>
    addScope(place.command(verb))
      .description(description)
      .option("--dry-run", "change nothing, show what would be done")
      .action((_own: unknown, program: Program) => {
        const options = optionsBelow(program, sweep);
        const { dryRun, auditEvery } = options;
        const order = {
          verb: verb === "apply" && dryRun === true ? ("plan" as const) : verb,
          scope: scopeWishOf(options, program),
          dryRun: dryRun === true,
          ...(typeof auditEvery === "number" ? { auditEvery } : {}),
        };
        choose({ name: "sweep", action: "alarms", order });
      });
  const timed = (program: Program): Program =>
    program.option(
      "--audit-every <duration>",
      "how often audits are told (default: as the alarm has it, else 24h)",
      every,
    );
  timed(add("plan", "show the alarm of each, whom it tells and what would change"));
  timed(add("apply", "write what differs, make the topic and subscribe the addresses of the configuration"));
  add("remove", "remove them; alarms of instances stay");
}
