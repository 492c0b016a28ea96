import { describe, expect, test } from "vitest";
import type { Command, Invocation } from "../../src/cli/command.ts";
import * as helpTexts from "../../src/cli/help-texts.ts";
import { parse } from "../../src/cli/parse.ts";
import { addAlarms } from "../../src/cli/parse-alarms.ts";
import { addDirectory } from "../../src/cli/parse-directory.ts";
import { addDoctor } from "../../src/cli/parse-doctor.ts";
import { addDrill } from "../../src/cli/parse-drill.ts";
import { addInstall, addUninstall } from "../../src/cli/parse-install.ts";
import { addPolicy } from "../../src/cli/parse-policy.ts";
import { addCopy, addForget, addPrune } from "../../src/cli/parse-prune.ts";
import { addReport } from "../../src/cli/parse-report.ts";
import { addRepository } from "../../src/cli/parse-repository.ts";
import { addRestore } from "../../src/cli/parse-restore.ts";
import { addSweep } from "../../src/cli/parse-sweep.ts";
import { exitCodes } from "../../src/core/report.ts";

/** The words of a line, as a shell has them. */
const wordsOf = (line: string): string[] =>
  (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1"));

const invoke = (line: string): Invocation =>
  parse(wordsOf(line), "1.2.3", {
    help: helpTexts,
    commands: {
      alarms: addAlarms,
      directory: addDirectory,
      doctor: addDoctor,
      drill: addDrill,
      install: addInstall,
      forget: addForget,
      copy: addCopy,
      policy: addPolicy,
      prune: addPrune,
      report: addReport,
      repository: addRepository,
      sweep: addSweep,
      uninstall: addUninstall,
      restore: addRestore,
    },
  });

function commandOf(line: string): Command {
  const invocation = invoke(line);
  if (invocation.kind !== "command") expect.fail(JSON.stringify(invocation));
  return invocation.command;
}

function usageOf(line: string): string {
  const invocation = invoke(line);
  if (invocation.kind !== "usage") expect.fail(JSON.stringify(invocation));
  return invocation.message;
}

function textOf(line: string): string {
  const invocation = invoke(line);
  if (invocation.kind !== "text") expect.fail(JSON.stringify(invocation));
  return invocation.text;
}

const run = { name: "run", jobs: [], all: false, wait: false, dryRun: false, trigger: "manual" };
const prune = { name: "prune", jobs: [], all: false, yes: false, dryRun: false };
const forget = { name: "forget", volume: "vol-0123456789abcdef0", yes: false, dryRun: false };

describe("a command", () => {
  test.each<[string, object]>([
    ["run", run],
    ["run database files", { ...run, jobs: ["database", "files"] }],
    ["run --all", { ...run, all: true }],
    ["run --wait", { ...run, wait: true }],
    ["run --dry-run", { ...run, dryRun: true }],
    ["run --splay 90m", { ...run, splay: 5_400_000 }],
    ["run nightly --wait --all", { ...run, jobs: ["nightly"], wait: true, all: true }],
    [
      "run default --trigger catch-up --slot 2027-03-01T02:00:00Z --missed 3 --overlapped 1",
      {
        ...run,
        jobs: ["default"],
        trigger: "catch-up",
        slot: "2027-03-01T02:00:00.000Z",
        missed: 3,
        overlapped: 1,
      },
    ],
    ["plan", { name: "plan", jobs: [], all: false }],
    ["plan database --all", { name: "plan", jobs: ["database"], all: true }],
    ["daemon", { name: "daemon" }],
    ["list", { name: "list", jobs: [] }],
    ["list database files", { name: "list", jobs: ["database", "files"] }],
    ["explain snap-0123456789abcdef0", { name: "explain", snapshot: "snap-0123456789abcdef0" }],
    ["prune", prune],
    ["prune database --yes --all", { ...prune, jobs: ["database"], yes: true, all: true }],
    ["prune --dry-run", { ...prune, dryRun: true }],
    ["copy", { name: "copy", jobs: [], wait: false, dryRun: false }],
    ["copy nightly --wait --dry-run", { name: "copy", jobs: ["nightly"], wait: true, dryRun: true }],
    ["forget vol-0123456789abcdef0", forget],
    ["forget vol-0123456789abcdef0 --yes", { ...forget, yes: true }],
    ["forget vol-0123456789abcdef0 --dry-run", { ...forget, dryRun: true }],
    ["status", { name: "status", ask: "if-unsure" }],
    ["status --refresh", { name: "status", ask: "always" }],
    ["status --offline", { name: "status", ask: "never" }],
    ["report", { name: "report", jobs: [] }],
    ["report nightly --format md", { name: "report", jobs: ["nightly"], format: "md" }],
    ["report --output r.html", { name: "report", jobs: [], output: "r.html" }],
    ["check-config", { name: "check-config", schema: false }],
    ["check-config --schema", { name: "check-config", schema: true }],
    ["check-config --settings", { name: "check-config", schema: false, settings: true }],
  ])("`%s` is understood", (line, command) => {
    expect(commandOf(line)).toEqual(command);
  });

  test.each<[string, object]>([
    ["status", { json: false, color: true }],
    ["status --json", { json: true, color: true }],
    ["--json status", { json: true, color: true }],
    ["status --no-color", { json: false, color: false }],
    ["--log-level debug status", { json: false, color: true, logLevel: "debug" }],
    ["status --config ./new.yaml", { json: false, color: true, config: "./new.yaml" }],
    [
      "status --config=/etc/x.yaml --json --log-level=error",
      {
        json: true,
        color: true,
        config: "/etc/x.yaml",
        logLevel: "error",
      },
    ],
  ])("takes the options of all commands before and after it: `%s`", (line, global) => {
    expect(invoke(line)).toMatchObject({ kind: "command", command: { name: "status" }, global });
  });
});

describe("wrong usage says what is wrong and where help is", () => {
  test.each([
    ["rnu", /unknown command 'rnu'\n\(Did you mean run\?\)/],
    ["statsu", /unknown command 'statsu'\n\(Did you mean status\?\)/],
    ["backup", /unknown command 'backup'/],
    ["run --dry", /unknown option '--dry'/],
    ["run --dryrun", /unknown option '--dryrun'\n\(Did you mean --dry-run\?\)/],
    ["run --wiat", /unknown option '--wiat'\n\(Did you mean --wait\?\)/],
    ["list --yes", /unknown option '--yes'/],
    ["run --splay soon", /--splay.*soon.*invalid/],
    ["run --splay", /--splay <duration>' argument missing/],
    ["run --trigger cron", /Allowed choices are manual, schedule, catch-up/],
    ["run --slot tonight", /expected an ISO 8601 instant/],
    ["run --missed -1", /expected a whole number/],
    ["run --missed 1.5", /expected a whole number/],
    ["--log-level loud status", /Allowed choices are error, warn, info, debug/],
    ["explain", /missing required argument 'snapshot'/],
    ["explain vol-0123456789abcdef0", /expected snap-/],
    ["explain snap-1 snap-2", /too many arguments/],
    ["forget", /missing required argument 'volume'/],
    ["forget snap-0123456789abcdef0", /expected vol-/],
    ["forget vol-XYZ", /expected vol-/],
    ["status --offline --refresh", /'--offline' cannot be used with option '--refresh'/],
    ["status now", /too many arguments/],
    ["daemon now", /too many arguments/],
    ["check-config file.yaml", /too many arguments/],
    ["--config", /--config <file>' argument missing/],
  ])("`%s`", (line, expected) => {
    const message = usageOf(line);
    expect(message).toMatch(expected);
    expect(message).toMatch(/\nTry: ec2-backup ([a-z-]+ )?--help$/);
    expect(message).not.toMatch(/^error:/);
  });

  test("without a command there is the help", () => {
    expect(usageOf("")).toContain("Commands:");
  });
});

test("repository takes names of repositories, and of each of its commands only what that has", () => {
  expect(
    commandOf("repository check a b --structure-only --trigger schedule --slot 2027-06-15T12:00:00Z"),
  ).toEqual({
    ...{ name: "repository", action: "check", repositories: ["a", "b"], structureOnly: true, dryRun: false },
    removeEmpty: false,
    ...{ trigger: "schedule", slot: "2027-06-15T12:00:00.000Z" },
  });
  expect(commandOf('repository prune a --forget --keep "daily=7 weekly=4" --dry-run')).toMatchObject({
    ...{
      action: "prune",
      forget: true,
      keep: "daily=7 weekly=4",
      yes: false,
      dryRun: true,
      trigger: "manual",
    },
  });
  expect(commandOf("repository mirror --all-hosts")).toMatchObject({
    action: "mirror",
    repositories: [],
    allHosts: true,
  });
  for (const wrong of [
    "repository",
    "repository list --dry-run",
    "repository check --forget",
    "repository empty",
  ])
    expect(invoke(wrong).kind, wrong).toBe("usage");
});

test("sweep takes accounts, Regions and parts, and nothing that it does not know", () => {
  const role = "arn:aws:iam::123456789012:role/sweep";
  expect(
    commandOf(
      `sweep --region eu-west-1 --region eu-central-1 --region eu-west-1 --role ${role} --external-id Backups-1 --only prune,alarms --dry-run`,
    ),
  ).toEqual({
    name: "sweep",
    action: "run",
    order: {
      scope: {
        regions: ["eu-west-1", "eu-central-1"],
        allRegions: false,
        roles: [role],
        externalId: "Backups-1",
      },
      only: ["prune", "alarms"],
      dryRun: true,
      yes: false,
      stop: false,
    },
  });
  expect(commandOf("sweep --all-regions --yes")).toMatchObject({
    order: { scope: { regions: [], allRegions: true, roles: [] }, only: [], dryRun: false, yes: true },
  });
  for (const wrong of [
    "sweep --all-regions --region eu-west-1",
    "sweep --region mars",
    "sweep --role sweeper",
    "sweep --only everything",
    "sweep now",
    "sweep --external-id Backups-1",
  ])
    expect(invoke(wrong).kind, wrong).toBe("usage");
});

test("the commands below sweep refuse what is said to the sweep itself, and --dry-run keeps them from telling and writing", () => {
  for (const wrong of [
    "sweep audit --only prune",
    "sweep --stop audit",
    "sweep audit --yes",
    "sweep alarms apply --yes",
    "sweep adopt --from vss --unattached",
    "sweep adopt --from vss --stanzas stanzas.json",
  ])
    expect(invoke(wrong), wrong).toMatchObject({
      kind: "usage",
      message: expect.stringContaining("belongs to 'sweep' itself"),
    });
  for (const below of ["audit", "adopt", "alarms apply", "alarms"]) {
    const text = textOf(`sweep ${below} --help`);
    expect(text, below).not.toMatch(/--only|--unattached/);
    expect(text.slice(text.indexOf("\nExamples:")), below).not.toMatch(/^.{81}/m);
  }
  const told = { publish: true, notify: true, webhookFile: "/etc/url" };
  const audit = "sweep audit --publish --notify --webhook-file /etc/url";
  expect(commandOf(audit)).toMatchObject({ order: told });
  for (const words of [`${audit} --dry-run`, audit.replace("audit", "--dry-run audit")]) {
    expect(commandOf(words)).toMatchObject({ order: { publish: false, notify: false } });
    expect(commandOf(words)).not.toHaveProperty("order.webhookFile");
  }
  expect(commandOf("sweep adopt --from vss --yes --dry-run")).toMatchObject({ order: { yes: false } });
  expect(commandOf("sweep audit --stanzas stanzas.json")).toMatchObject({
    order: { stanzas: "stanzas.json" },
  });
});

describe("help", () => {
  const names = [
    "run",
    "plan",
    "daemon",
    "list",
    "explain",
    "prune",
    "forget",
    "copy",
    "status",
    "report",
    "check-config",
  ];

  test("names every command, shows examples and the table of exit codes", () => {
    const text = textOf("--help");
    for (const name of names) expect(text).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    expect(text).toContain(helpTexts.examples["main"]);
    expect(text).toContain(helpTexts.exitCodeTable);
    expect(textOf("-h")).toBe(text);
  });

  test.each(names)("of %s has an example that is understood", (name) => {
    const text = textOf(`${name} --help`);
    const lines = text.slice(text.indexOf("Examples:")).split("\n").slice(1);
    const typed = lines
      .map((line) => /^ {2}ec2-backup (.*?)(?: {2,}.*| [|>].*)?$/.exec(line)?.[1] ?? "")
      .filter(Boolean);
    expect(typed.length).toBeGreaterThan(0);
    for (const line of typed) expect(commandOf(line.replace(/ [|>].*$/, "")).name).toBe(name);
  });

  const sisters = ["plan", "apply", "remove", "test", "pause", "resume", "beat", "dashboard"];
  const ways = ["list", "volumes", "directory", "file", "ls", "cat", "find", "diff", "replace", "instance"];
  const upkeep = ["list", "init", "check", "prune", "mirror", "unlock"];
  const places = [
    ...[
      ...names,
      "doctor",
      "thaw",
      "policy",
      "drill",
      "alarms",
      "restore",
      "install",
      "uninstall",
      "directory",
      "repository",
      "sweep",
    ],
    ...upkeep.map((one) => `repository ${one}`),
    ...sisters.map((one) => `alarms ${one}`),
    ...ways.map((one) => `restore ${one}`),
  ];

  test("is tried here for every command that there is", () => {
    const shown = (text: string) =>
      [...text.slice(text.indexOf("\nCommands:")).matchAll(/^ {2}([a-z-]+)(?: .*)? {2}/gm)].map(
        (match) => match[1],
      );
    const listed = (text: string) => shown(text.slice(0, text.indexOf("\nExamples:"))).sort();
    expect(listed(textOf("--help"))).toEqual(places.filter((one) => !one.includes(" ")).sort());
    expect(listed(textOf("alarms --help"))).toEqual([...sisters].sort());
    expect(listed(textOf("restore --help"))).toEqual([...ways].sort());
    expect(listed(textOf("repository --help"))).toEqual([...upkeep].sort());
  });

  test.each(places)("of %s shows what every command takes, and an example that is understood", (place) => {
    const text = textOf(`${place} --help`);
    for (const option of ["--config <file>", "--json", "--log-level <level>", "--no-color", "--help"])
      expect(text).toMatch(new RegExp(`^  (-h, )?${option} {2,}\\S`, "m"));
    const examples = text.slice(text.indexOf("\nExamples:"));
    const typed = [...examples.matchAll(/^ {2}(?:sudo )?ec2-backup (.*?)(?: {2,}.*| [|>].*)?$/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(typed.length).toBeGreaterThan(0);
    for (const line of typed) {
      expect(line.split(" ").slice(0, place.split(" ").length).join(" ")).toBe(place);
      commandOf(line);
    }
  });

  test.each(["", ...places])("is what is named after a wrong word for '%s'", (place) => {
    const program = ["ec2-backup", place].filter(Boolean).join(" ");
    expect(usageOf(`${place} --frobnicate`).split("\n").at(-1)).toBe(`Try: ${program} --help`);
  });

  test("is shown where a command is missing, and that is said", () => {
    expect(usageOf("")).toMatch(/^a command is missing\n\nUsage: ec2-backup \[options\]/);
    expect(usageOf("alarms")).toMatch(/^a command is missing\n\nUsage: ec2-backup alarms \[options\]/);
    expect(usageOf("alarms frobnicate")).toMatch(
      /unknown command 'frobnicate'\nTry: ec2-backup alarms --help$/,
    );
  });

  test("the examples of the program are understood as well", () => {
    const typed = [
      ...(helpTexts.examples["main"] ?? "").matchAll(/^ {2}ec2-backup (.*?)(?: {2,}.*)?$/gm),
    ].map((match) => match[1]);
    expect(typed.map((line) => commandOf(line ?? "").name)).toEqual(["run", "plan", "list", "explain"]);
  });

  test("what only the daemon says to its processes is not shown", () => {
    expect(textOf("run --help")).not.toMatch(/--(trigger|slot|missed|overlapped)/);
    expect(textOf("check-config --help")).not.toMatch(/--settings/);
  });

  test("the table has every exit code that there is, and no other", () => {
    const shown = [...helpTexts.exitCodeTable.matchAll(/(?:^ {2}|SIGINT +)(\d+) /gm)].map((match) =>
      Number(match[1]),
    );
    expect(shown.sort((a, b) => a - b)).toEqual(Object.values(exitCodes).sort((a, b) => a - b));
  });

  test("the version is the version and nothing else", () => {
    expect(textOf("--version")).toBe("1.2.3\n");
  });
});
