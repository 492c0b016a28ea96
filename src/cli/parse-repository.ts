import { InvalidArgumentError, Option, type Command as Program } from "commander";
import type { RepositoryAction } from "./command.ts";
import type { AddWords } from "./parse.ts";

const examples = `Examples:
  ec2-backup repository list           what there is, how old, how sound
  ec2-backup repository init central   before the first backup
  ec2-backup repository check          structure, and the next part of the data
  ec2-backup repository mirror --dry-run

Exit 0: all is well; 1: something was done or found, and something is wrong;
69: out of reach; 75: another one is at work on it; 77: the password is wrong.`;

/** Below the help of each of its commands. */
const examplesOf: Readonly<Record<RepositoryAction["action"], string>> = {
  list: `
  ec2-backup repository list
  ec2-backup repository list central --json`,
  init: `
  ec2-backup repository init central
  ec2-backup repository init central offsite --dry-run   what is there now`,
  check: `
  ec2-backup repository check central
  ec2-backup repository check --structure-only   in minutes, none of the data`,
  prune: `
  ec2-backup repository prune central   give back the room of what was forgotten
  ec2-backup repository prune central --forget --dry-run
  ec2-backup repository prune central --forget --keep "daily=7 monthly=12"
                                        elsewhere, for hosts that only append`,
  mirror: `
  ec2-backup repository mirror central --dry-run   what the other one lacks
  ec2-backup repository mirror central --all-hosts`,
  unlock: `
  ec2-backup repository unlock central`,
};

/** The words of `ec2-backup repository`. */
export const addRepository: AddWords = (place, choose) => {
  place.addHelpText("after", `\n${examples}`).helpCommand(false);
  const add = (action: RepositoryAction["action"], what: string): Program =>
    place
      .command(action)
      .description(what)
      .argument("[repository...]", "repositories of the configuration (default: every one)")
      .addHelpText("after", `\nExamples:${examplesOf[action]}`);
  const common = (repositories: string[], options: Record<string, unknown>) => ({
    name: "repository" as const,
    repositories,
    dryRun: options["dryRun"] === true,
    trigger: triggerOf(options["trigger"]),
    ...(typeof options["slot"] === "string" ? { slot: options["slot"] } : {}),
  });
  const dry = ["--dry-run", "change nothing, show what would be done"] as const;
  add("list", "show each repository: what it holds, its locks, its last checks and copies").action(
    (names, options) => choose({ ...common(names, options), action: "list" }),
  );
  add("init", "make repositories that are not there; one that is there stays as it is")
    .option("--anew", "also where there was one that is not there any more")
    .option(...dry)
    .action((names, options) =>
      choose({ ...common(names, options), action: "init", anew: options["anew"] === true }),
    );
  timed(add("check", "check the structure, and the next part of the data"))
    .option("--structure-only", "read none of the data")
    .option(
      "--remove-empty",
      "remove empty files of snapshots, which a server leaves that dies while it writes them",
    )
    .option(...dry)
    .action((names, options) =>
      choose({
        ...common(names, options),
        action: "check",
        structureOnly: options["structureOnly"] === true,
        removeEmpty: options["removeEmpty"] === true,
      }),
    );
  timed(add("prune", "give back the room of what was forgotten"))
    .option("--forget", "first forget what the policies give up that each series records, of all hosts")
    .option("--keep <rules>", "with --forget: what stays whatever they say, such as daily=7")
    .option("--yes", "with --forget: release the brake and the wait after a shrunk policy")
    .option(...dry)
    .action((names, options) => choose({ ...common(names, options), ...pruneOf(options) }));
  timed(add("mirror", "copy what the mirror lacks, see that it is there, thin the mirror"))
    .option("--all-hosts", "the points of all hosts that the repository has, not of this one alone")
    .option("--yes", "release the brake of the mirror's retention")
    .option(...dry)
    .action((names, options) =>
      choose({
        ...common(names, options),
        action: "mirror",
        allHosts: options["allHosts"] === true,
        yes: options["yes"] === true,
      }),
    );
  add("unlock", "remove the locks that nobody holds, and tell who has the others")
    .option(...dry)
    .addOption(new Option("--left").hideHelp())
    .action((names, options) =>
      choose({ ...common(names, options), action: "unlock", left: options["left"] === true }),
    );
};

function pruneOf({ forget, keep, yes }: Record<string, unknown>) {
  return {
    action: "prune" as const,
    forget: forget === true,
    ...(typeof keep === "string" ? { keep } : {}),
    yes: yes === true,
  };
}

function timed(place: Program): Program {
  return place
    .addOption(new Option("--trigger <trigger>").choices(["manual", "schedule", "catch-up"]).hideHelp())
    .addOption(new Option("--slot <instant>").argParser(instant).hideHelp());
}

function triggerOf(text: unknown): "manual" | "schedule" | "catch-up" {
  return text === "schedule" || text === "catch-up" ? text : "manual";
}

function instant(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("expected an ISO 8601 instant.");
  return date.toISOString();
}
