import { CommanderError, InvalidArgumentError, Option, Command as Program } from "commander";
import { parseDuration } from "../core/duration.ts";
import type { Trigger } from "../core/job.ts";
import type { LogLevel } from "../core/ports.ts";
import type { Command, GlobalOptions, Invocation } from "./command.ts";
import type * as HelpTexts from "./help-texts.ts";
import { shaped } from "./shaped.ts";

type Options = Record<string, string | number | boolean | undefined>;

/** What a command with words of its own adds to its place in the program. */
export type AddWords = (place: Program, choose: (command: Command) => void) => void;

/** What is read only if it is asked for, so that no run has to load it. */
export interface MoreWords {
  readonly help?: typeof HelpTexts;
  /** The words of commands that are rarely asked for. */
  readonly commands?: Readonly<Record<string, AddWords>>;
}

/** What the names of jobs are called in help. */
export const jobs = "jobs of the configuration (default: every job)";

/** Whether words ask for help, which alone needs its texts; who names no command gets it too. */
export function asksForHelp(words: readonly string[]): boolean {
  return (
    words.some((word) => word === "-h" || word === "--help") || words.every((word) => word.startsWith("-"))
  );
}

/** Reads the words after the program's name. Pure: prints nothing and ends nothing. */
export function parse(
  words: readonly string[],
  version: string,
  { help, commands = {} }: MoreWords = {},
): Invocation {
  let text = "";
  let command: Command | undefined;
  const choose = (chosen: Command): void => {
    command = chosen;
  };
  const program = build(version, choose);
  if (help !== undefined) addHelp(program, help);
  for (const place of program.commands) commands[place.name()]?.(place, choose);
  let wrong = program.name();
  configureAll(program, program.name(), (more, place) => {
    text += more;
    wrong = place;
  });
  try {
    program.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return { kind: "usage", message: usageOf(text, error, wrong) };
  }
  if (command === undefined) return { kind: "text", text: program.helpInformation() };
  return { kind: "command", command, global: globalOf(program.opts()) };
}

function usageOf(text: string, error: CommanderError, place: string): string {
  // Commander shows the help where a command is missing, and says nothing of that.
  if (error.code === "commander.help") return `a command is missing\n\n${text.trim()}`;
  const message = (text.trim() || error.message).replace(/^error: /, "");
  return `${message}\nTry: ${place} --help`;
}

/** Subcommands copy their settings when they are made, so each is told. */
function configureAll(program: Program, place: string, write: (text: string, place: string) => void): void {
  const tell = (text: string): void => write(text, place);
  program.exitOverride().configureOutput({ writeOut: tell, writeErr: tell });
  for (const one of program.commands) configureAll(one, `${place} ${one.name()}`, write);
}

function globalOf(options: Options): GlobalOptions {
  return {
    ...(options["config"] === undefined ? {} : { config: String(options["config"]) }),
    json: options["json"] === true,
    ...(options["logLevel"] === undefined ? {} : { logLevel: options["logLevel"] as LogLevel }),
    color: options["color"] !== false,
  };
}

function addHelp(program: Program, { descriptions, examples, exitCodeTable }: typeof HelpTexts): void {
  program.addHelpText("after", `\n${examples["main"]}\n\n${exitCodeTable}`);
  for (const place of program.commands) {
    const example = examples[place.name()];
    place.description(descriptions[place.name()] ?? "");
    if (example !== undefined) place.addHelpText("after", `\n${example}`);
  }
}

function build(version: string, choose: (command: Command) => void): Program {
  const program = new Program("ec2-backup")
    .description("Backs up the EBS volumes of this EC2 instance and thins the backups.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show help, with examples")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(false)
    .option("--config <file>", "configuration (default: /etc/ec2-backup/config.yaml)")
    .option("--json", "one JSON document on stdout and nothing else")
    .addOption(
      new Option("--log-level <level>", "how much is logged").choices(["error", "warn", "info", "debug"]),
    )
    .option("--no-color", "no colour, even on a terminal");
  const add = (name: string): Program => program.command(name);

  addRun(add("run"), choose);
  add("plan")
    .argument("[job...]", jobs)
    .option("--all", "all volumes as job 'default', whatever is configured")
    .action((names: string[], { all }: Options) => choose({ name: "plan", jobs: names, all: all === true }));
  const daemon = add("daemon");
  daemon.action(() => choose({ name: "daemon" }));
  add("list")
    .argument("[job...]", jobs)
    .action((names: string[]) => choose({ name: "list", jobs: names }));
  add("explain")
    .argument(
      "<snapshot>",
      "id of a snapshot or of a point of this instance",
      shaped(
        /^(snap-[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{1,27}|[0-9a-f]{8,64})$/,
        "snap-…, an id of restic, or that of a point or its beginning",
      ),
    )
    .action((snapshot: string) => choose({ name: "explain", snapshot }));
  add("prune");
  add("copy");
  add("forget");
  add("status")
    .option("--refresh", "ask AWS, also where what this host remembers says that all is well")
    .addOption(
      new Option("--offline", "go by what this host remembers, whatever it says").conflicts("refresh"),
    )
    .action(({ refresh, offline }: Options) =>
      choose({ name: "status", ask: refresh ? "always" : offline ? "never" : "if-unsure" }),
    );
  add("report");
  add("alarms");
  add("directory");
  add("drill");
  add("repository");
  add("restore");
  add("sweep");
  add("policy");
  add("doctor");
  add("install");
  add("uninstall");
  add("thaw")
    .option("--leftovers", "leave alone what a run that lives will thaw by itself")
    .action((options: Options) => choose({ name: "thaw", leftovers: options["leftovers"] === true }));
  add("check-config")
    .option("--schema", "print the JSON Schema of the configuration file")
    .option("--quiet", "print nothing but what is wrong")
    .addOption(new Option("--settings").hideHelp())
    .action(({ schema, settings, quiet }: Options) => {
      const less = { ...(settings === true && { settings }), ...(quiet === true && { quiet }) };
      choose({ name: "check-config", schema: schema === true, ...less });
    });
  return program;
}

function addRun(command: Program, choose: (command: Command) => void): void {
  command
    .argument("[job...]", jobs)
    .option("--all", "all volumes as job 'default', whatever is configured")
    .option("--wait", "wait until the points are complete")
    .option("--dry-run", "change nothing, show what would be done")
    .option("--quiet", "print only what went wrong, on stderr")
    .option("--splay <duration>", "start at this instance's own offset within this time", duration)
    .addOption(
      new Option(
        "--last",
        "once more before the instance ends, in a minute: nothing is pruned, copied or stored",
      ).conflicts(["dryRun", "splay", "wait"]),
    )
    .option("--within <duration>", "the time of --last (default: termination.budget)", duration)
    .addOption(new Option("--notice <notice>").hideHelp())
    .addOption(new Option("--trigger <trigger>").choices(["manual", "schedule", "catch-up"]).hideHelp())
    .addOption(new Option("--slot <instant>").argParser(instant).hideHelp())
    .addOption(new Option("--missed <count>").argParser(count).hideHelp())
    .addOption(new Option("--overlapped <count>").argParser(count).hideHelp())
    .action((names: string[], options: Options) => {
      const { splay, slot, missed, overlapped, notice, within } = options;
      if (within !== undefined && !options["last"]) command.error("error: --within goes with --last");
      choose({
        name: "run",
        ...(options["last"] && {
          last: {
            ...(typeof notice === "string" && { notice }),
            ...(typeof within === "number" && { within }),
          },
        }),
        jobs: names,
        all: options["all"] === true,
        wait: options["wait"] === true,
        dryRun: options["dryRun"] === true,
        ...(options["quiet"] === true ? { quiet: true as const } : {}),
        trigger: (options["trigger"] ?? "manual") as Trigger,
        ...(typeof splay === "number" ? { splay } : {}),
        ...(typeof slot === "string" ? { slot } : {}),
        ...(typeof missed === "number" ? { missed } : {}),
        ...(typeof overlapped === "number" ? { overlapped } : {}),
      });
    });
}

/** An argument of commander's; in milliseconds. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function instant(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("expected an ISO 8601 instant.");
  return date.toISOString();
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}
