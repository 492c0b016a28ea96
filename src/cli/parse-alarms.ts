import type { Command as Program } from "commander";
import type { AlarmsAction } from "./command.ts";
import { type AddWords, duration } from "./parse.ts";

const examples = `Examples:
  ec2-backup alarms plan        what is, what should be, who is told, the costs
  ec2-backup alarms apply       make it so; nothing happens the second time
  ec2-backup alarms test        drive each to ALARM and back: what was told?
  ec2-backup alarms dashboard --fleet
  ec2-backup alarms remove      those of this instance, before it goes for good`;

/** Below the help of each of its commands. */
const examplesOf: Readonly<Record<AlarmsAction["action"], string>> = {
  plan: `
  ec2-backup alarms plan
  ec2-backup alarms plan --json | jq .plan.unmade   what nobody watches, and why`,
  apply: `
  ec2-backup alarms apply --dry-run  show what would be done
  ec2-backup alarms apply`,
  remove: `
  ec2-backup alarms remove --dry-run
  ec2-backup alarms remove           before the instance goes for good`,
  test: `
  ec2-backup alarms test
  ec2-backup alarms test --wait 2m   for a topic that is slow to tell`,
  pause: `
  ec2-backup alarms pause            then switch the instance off`,
  resume: `
  ec2-backup alarms resume           when it is on again`,
  beat: `
  ec2-backup alarms beat             from ec2-backup-beat.timer
  ec2-backup alarms beat monthly --json`,
  dashboard: `
  ec2-backup alarms dashboard
  ec2-backup alarms dashboard --fleet --dry-run`,
};

/** The words of \`ec2-backup alarms\`. */
export const addAlarms: AddWords = (place, choose) => {
  const pick = (action: AlarmsAction): void => choose({ name: "alarms", ...action });
  const given = (options: Record<string, unknown>, name: string): boolean => options[name] === true;
  place.addHelpText("after", `\n${examples}`).helpCommand(false);
  const add = (name: AlarmsAction["action"]): Program =>
    place.command(name).addHelpText("after", `\nExamples:${examplesOf[name]}`);
  add("plan")
    .description("show the alarms, what they watch, whom they tell, what would change and what it costs")
    .action(() => pick({ action: "plan" }));
  add("apply")
    .description("write what differs, make the topic and subscribe the addresses of the configuration")
    .option("--dry-run", "change nothing, show what would be done")
    .action((options) => pick({ action: "apply", dryRun: given(options, "dryRun") }));
  add("remove")
    .description("remove the alarms of this instance and no other")
    .option("--dry-run", "change nothing, show what would be done")
    .action((options) => pick({ action: "remove", dryRun: given(options, "dryRun") }));
  add("test")
    .description(
      "drive each alarm to ALARM and to OK, so that people get both messages, and say what was done",
    )
    .option("--wait <duration>", "how long an alarm may take to tell (default: 30s)", duration)
    .action(({ wait }) => pick({ action: "test", ...(wait === undefined ? {} : { waitFor: wait }) }));
  add("pause")
    .description("silence the alarms for missed backups, before the instance is switched off")
    .option("--on-power-off", "only if systemd is about to power off; for ec2-backup-alarms.service")
    .action((options) => pick({ action: "pause", onPowerOff: given(options, "onPowerOff") }));
  add("resume")
    .description("let the alarms that were silenced tell again")
    .action(() => pick({ action: "resume" }));
  add("beat")
    .description("tell CloudWatch the age of the newest point of jobs that run more rarely than every 7 days")
    .argument("[job...]", "these jobs, however often they run")
    .action((jobs: string[]) => pick({ action: "beat", jobs }));
  add("dashboard")
    .description("write a CloudWatch dashboard of this instance, or of all instances of the region")
    .option("--fleet", "of all instances that publish to the namespace, also those to come")
    .option("--dry-run", "change nothing, show the dashboard's source")
    .action((options) => {
      pick({ action: "dashboard", fleet: given(options, "fleet"), dryRun: given(options, "dryRun") });
    });
};
