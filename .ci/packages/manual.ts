// ec2-backup(8), made of the program's own words, so that it says what `--help` says.
import type { Words } from "./words.ts";

/** Where things are, and what else there is to read; the one part that help does not have. */
const files: readonly (readonly [string, string])[] = [
  ["/etc/ec2-backup/config.yaml", "the configuration; optional"],
  ["/var/lib/ec2-backup", "what is remembered between runs"],
  ["/var/cache/ec2-backup", "compiled code; may be deleted at any time"],
  ["/run/ec2-backup", "locks, and the ledger of what is held still"],
];

/** `epoch` in seconds. */
export function manual(words: Words, version: string, epoch: number): string {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const { before, after } = exitCodesApart(words.epilogue);
  const lines = [
    `.TH EC2-BACKUP 8 "${date}" "ec2-backup ${version}" "System Administration"`,
    ".SH NAME",
    `ec2\\-backup \\- ${escaped(lowered(words.description))}`,
    ".SH SYNOPSIS",
    `.B ec2\\-backup`,
    escaped(words.usage),
    ".SH DESCRIPTION",
    escaped(words.description),
    "Each command has",
    ".B \\-\\-help",
    "with examples.",
    ".SH OPTIONS",
    ...optionsOf(words),
    ".SH COMMANDS",
    ...words.commands.flatMap(commandOf),
    ".SH EXIT STATUS",
    ...verbatim(after),
    ".SH FILES",
    ...files.flatMap(([file, what]) => [".TP", `.I ${escaped(file)}`, escaped(what)]),
    ".SH EXAMPLES",
    ...verbatim(before),
    ".SH SEE ALSO",
    ".BR systemctl (1),",
    ".BR fsfreeze (8)",
  ];
  return `${lines.join("\n")}\n`;
}

/** The table of exit codes has a section of its own. */
function exitCodesApart(epilogue: string): { before: string; after: string } {
  const [before = "", after = ""] = epilogue.split(/^Exit codes:\n/m);
  if (after === "") throw new Error("help has no table of exit codes any more");
  return { before: before.replace(/^Examples:\n/, ""), after };
}

function commandOf(words: Words): string[] {
  if (words.commands.length > 0 && words.epilogue === "") return words.commands.flatMap(commandOf);
  return [
    `.SS ec2\\-backup ${escaped(words.name)} ${escaped(words.usage)}`.trimEnd(),
    escaped(sentence(words.description)),
    ...words.arguments.flatMap((one) =>
      one.description === "" ? [] : [".TP", `.I ${escaped(one.name())}`, escaped(one.description)],
    ),
    ...optionsOf(words),
    ...(words.epilogue === "" ? [] : [".PP", ...verbatim(words.epilogue)]),
    ...words.commands.flatMap(commandOf),
  ];
}

function optionsOf({ options }: Words): string[] {
  return options.flatMap((option) => [
    ".TP",
    `.B ${escaped(option.flags)}`,
    escaped(described(option.description, option.argChoices)),
  ]);
}

function described(description: string, choices: readonly string[] | undefined): string {
  const among = choices === undefined ? "" : `one of ${choices.join(", ")}`;
  return [description, among].filter((part) => part !== "").join("; ") || "see above";
}

function verbatim(text: string): string[] {
  return [".nf", ...text.trimEnd().split("\n").map(escaped), ".fi"];
}

/** For troff: a backslash starts an escape, a hyphen would be set as a dash, a dot or a quote at the front commands. */
function escaped(line: string): string {
  return line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll("→", "->")
    .replace(/^([.'])/, "\\&$1");
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function lowered(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`.replace(/\.$/, "");
}
