// The command line as the program itself defines it, for whoever tells of it: nothing here repeats it.
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Argument, Command, Option } from "commander";
import * as help from "../../src/cli/help-texts.ts";
import { type AddWords, parse } from "../../src/cli/parse.ts";
import { root } from "./source.ts";

export interface Words {
  /** `ec2-backup`, or below it `restore volumes`. */
  readonly name: string;
  readonly description: string;
  readonly usage: string;
  readonly arguments: readonly Argument[];
  readonly options: readonly Option[];
  /** What help shows below its lists: examples and more. */
  readonly epilogue: string;
  readonly commands: readonly Words[];
}

/** All words of the program, with those that it reads only when they are asked for. */
export async function allWords(): Promise<Words> {
  let program: Command | undefined;
  const learn: AddWords = (place) => {
    program = (place.parent ?? undefined) as Command | undefined;
  };
  // Once to learn which commands there are, then with the words of those that have a file of their own.
  parse(["--version"], "", { commands: { run: learn } });
  const names = (program?.commands ?? []).map((one) => one.name());
  const apart = await wordsApart(names);
  parse(["--version"], "", { help, commands: { ...apart, run: learn } });
  if (program === undefined) throw new Error("there is no command `run` to learn the program from");
  return wordsOf(program, "");
}

/** What files of their own add to the commands of these names, as `addRestore` does to `restore`. */
async function wordsApart(names: readonly string[]): Promise<Record<string, AddWords>> {
  const folder = path.join(root, "src/cli");
  const files = readdirSync(folder).filter((file) => /^parse-.*\.ts$/.test(file));
  const modules = await Promise.all(files.map((file) => import(path.join(folder, file))));
  const exported: Record<string, AddWords> = Object.assign({}, ...modules);
  const found = names.map((name) => {
    const camel = name.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase());
    return [name, exported[`add${camel}`]];
  });
  return Object.fromEntries(found.filter(([, add]) => add !== undefined));
}

function wordsOf(command: Command, above: string): Words {
  const name = `${above} ${command.name()}`.trim();
  const inside = above === "" && name === "ec2-backup" ? "" : name;
  const shown = command.createHelp().visibleOptions(command);
  const children = command.commands.map((one) => wordsOf(one, inside));
  if (children.length === 0 && command.description() === "")
    throw new Error(`nothing is said of ec2-backup ${name}: where are its words?`);
  return {
    name,
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments,
    options: shown,
    epilogue: epilogueOf(command),
    commands: children,
  };
}

/** What `--help` prints beyond the lists. */
function epilogueOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (more) => {
      text += more;
    },
  });
  command.outputHelp();
  const lists = command.helpInformation();
  return text.replace(lists.trimEnd(), "").trim();
}
