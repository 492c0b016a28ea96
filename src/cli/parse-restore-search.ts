import { Option, type Command as Program } from "commander";
import type { FindWish } from "../core/stored-find.ts";
import type { PointWords } from "./parse-restore-files.ts";
import { bareOf, place, withRepositoryOptions } from "./parse-stored.ts";
import type { RestoreSearchAction } from "./restore-files-action.ts";

const findExamples = `Examples:
  ec2-backup restore find '*.conf'                  in the newest point
  ec2-backup restore find report.ods --all          every version there is
  ec2-backup restore find '/srv/**/2026-*' --at "26h ago"`;

const diffExamples = `Examples:
  ec2-backup restore diff "26h ago" newest
  ec2-backup restore diff 0193a1b2-c3d4 newest /etc`;

const patternText = `A pattern is as in the shell: * ? [a-z], and ** also crosses slashes. One with
a slash is of whole paths or their ends, one without of names.
Points of volumes cannot be searched: restore ls shows one directory of them,
restore volumes --mount DIR all of it.`;

const diffText = `A point is named by its id or its beginning, by a time, or by the word newest.
Both are points of files; points of volumes cannot be compared here.`;

type Options = Record<string, unknown>;

const types: Readonly<Record<string, NonNullable<FindWish["type"]>>> = {
  file: "file",
  directory: "dir",
  link: "symlink",
};

/** The words of `restore find` and `diff`. */
export function addSearch(
  place_: Program,
  pick: (action: RestoreSearchAction) => void,
  { addPoints, queryOf }: PointWords,
): void {
  const find = addPoints(place_.command("find").description("look for names in stored points of files"));
  withRepositoryOptions(find)
    .argument("<pattern>", "of names or paths, quoted from the shell")
    .argument("[path]", "only below it", place)
    .option("--all", "in all points, not in the newest alone: shows each version")
    .option("--ignore-case", "capital letters are as small ones")
    .addOption(new Option("--type <type>", "only these").choices(Object.keys(types)))
    .addHelpText("after", `\n${patternText}\n\n${findExamples}`)
    .action((pattern: string, below: string | undefined, options: Options) => {
      const type = types[String(options["type"])];
      pick({
        action: "find",
        query: { ...queryOf(options), ...bareOf(find, options) },
        find: {
          pattern,
          ...(below === undefined ? {} : { below }),
          ignoreCase: options["ignoreCase"] === true,
          ...(type === undefined ? {} : { type }),
        },
        every: options["all"] === true,
      });
    });
  const diff = place_.command("diff").description("show what differs between two stored points of files");
  withRepositoryOptions(diff)
    .argument("<old>", "the earlier point")
    .argument("<new>", "the later point")
    .argument("[path]", "only below it", place)
    .option("--from <repository>", "points of this repository, which may be a mirror")
    .option("--job <job>", "points of this job (may be repeated)", collected)
    .option("--instance <instance>", "points of another machine: its ARN, id or Name tag")
    .addHelpText("after", `\n${diffText}\n\n${diffExamples}`)
    .action((before: string, after: string, below: string | undefined, options: Options) =>
      pick({
        action: "diff",
        query: { ...queryOf(options), ...bareOf(diff, options) },
        before,
        after,
        ...(below === undefined ? {} : { below }),
      }),
    );
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
