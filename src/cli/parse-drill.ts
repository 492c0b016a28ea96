import { InvalidArgumentError, Option } from "commander";
import type { AddWords } from "./parse.ts";

const examples = `Examples:
  ec2-backup drill --dry-run    which points, how large, what would be checked
  ec2-backup drill              every drill of the configuration, now
  ec2-backup drill weekly       one of them, as a timer or cron calls it
  ec2-backup drill weekly --point 0193a1b2-c3d4

Points are restored to volumes that live for the drill alone; the originals
are never touched. Exit 0: all was verified; 1: something was not; 75: a restore
or a drill is at work here.`;

/** The words of \`ec2-backup drill\`. */
export const addDrill: AddWords = (place, choose) => {
  place
    .argument("[drill...]", "drills of the configuration (default: every drill)")
    .option("--point <id>", "the point of this id, or of this beginning of one, not the newest", pointId)
    .option("--dry-run", "change nothing, show what would be done")
    .addOption(new Option("--trigger <trigger>").choices(["manual", "schedule", "catch-up"]).hideHelp())
    .addOption(new Option("--slot <instant>").argParser(instant).hideHelp())
    .addHelpText("after", `\n${examples}`)
    .action((drills: string[], { point, dryRun, trigger, slot }: Record<string, unknown>) =>
      choose({
        name: "drill",
        drills,
        ...(typeof point === "string" ? { point } : {}),
        dryRun: dryRun === true,
        trigger: trigger === "schedule" || trigger === "catch-up" ? trigger : "manual",
        ...(typeof slot === "string" ? { slot } : {}),
      }),
    );
};

function pointId(text: string): string {
  if (!/^[\w-]{8,}$/.test(text))
    throw new InvalidArgumentError("expected eight characters of an id at least.");
  return text;
}

function instant(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("expected an ISO 8601 instant.");
  return date.toISOString();
}
