import { InvalidArgumentError, type Command as Program } from "commander";
import type { PointQuery } from "../core/restore-query.ts";
import { bareOf, places, place as storedPath, withRepositoryOptions } from "./parse-stored.ts";
import type { RestoreFilesAction } from "./restore-files-action.ts";

const examples = {
  ls: `  ec2-backup restore ls /srv/data/ --at "26h ago"`,
  cat: `  ec2-backup restore cat /etc/fstab > fstab.old
  ec2-backup restore cat dump/shop | mysql         a dump of the job's`,
  file: `  ec2-backup restore file /srv/data/x              beside it, as x.from-...
  ec2-backup restore file /srv/data/x --to /tmp/ --at "2026-11-01 03:00"
  ec2-backup restore file /srv/data/x --to /srv/data/ --overwrite
  ec2-backup restore file /srv/data --instance web-1 --to /mnt/rescued --dry-run
  ec2-backup restore file dump/shop --to /tmp/     and says how to load it`,
} as const;

const text = `What a repository holds is taken from there, as it costs nothing; --from names
one, a mirror too, and --volumes takes a point of volumes instead.
Volumes are made of the point for as long as it takes, attached here, and
deleted again; EC2 charges for them by the second. What a killed command has
left is removed by the next.`;

type Options = Record<string, unknown>;

/** What the words of points are read by. */
export interface PointWords {
  readonly addPoints: (command: Program) => Program;
  readonly queryOf: (options: Options) => PointQuery;
}

/** The words of \`restore file\`, \`ls\` and \`cat\`. */
export function addFiles(
  place: Program,
  pick: (action: RestoreFilesAction) => void,
  { addPoints, queryOf }: PointWords,
): void {
  const add = (name: "file" | "ls" | "cat", description: string): Program =>
    withRepositoryOptions(addPoints(place.command(name).description(description)))
      .option("--volume <volume>", "id or device of the captured volume that it lies on (repeat)", collected)
      .option("--filesystem <name>", "label, UUID or partition number, where several have such a path")
      .option("--volumes", "points of volumes, also where a repository holds the path")
      .option("--dry-run", "show the plan")
      .addHelpText("after", `\n${text}\n\nExamples:\n${examples[name]}`);
  const common = (command: Program, path: string, options: Options) => ({
    query: { ...queryOf(options), ...bareOf(command, options) },
    path,
    volumes: (options["volume"] as string[] | undefined) ?? [],
    ...(typeof options["filesystem"] === "string" ? { filesystem: options["filesystem"] } : {}),
    ...(options["volumes"] === true ? { ofVolumes: true as const } : {}),
    planned: options["dryRun"] === true,
  });
  const what = "absolute, as it was called on the instance; or dump/NAME";
  const file = add("file", "copy files or directories of a point to this host");
  file
    .argument("<path...>", what, places)
    .option("--to <place>", "a directory, or the path of the copy (default: beside the original)", target)
    .option("--overwrite", "replace files that are there already")
    .option("--missing", "leave files that are there already, and bring back the others")
    .action(([path = "/", ...more]: string[], options: Options) => {
      const [overwrite, missing] = [options["overwrite"] === true, options["missing"] === true];
      if (overwrite && missing) file.error("error: --overwrite and --missing contradict each other");
      const { to } = options;
      pick({
        action: "file",
        ...common(file, path, options),
        ...(more.length === 0 ? {} : { more }),
        existing: overwrite ? "overwrite" : missing ? "keep" : "refuse",
        ...(typeof to === "string" ? { to } : {}),
      });
    });
  const ls = add("ls", "list a directory of a point");
  ls.argument("[path]", what, storedPath, "/").action((path: string, options: Options) =>
    pick({ action: "ls", ...common(ls, path, options) }),
  );
  const cat = add("cat", "write a file of a point, or a dump, to standard output");
  cat
    .argument("<path>", what, storedPath)
    .action((path: string, options: Options) => pick({ action: "cat", ...common(cat, path, options) }));
}

function target(path: string): string {
  if (path === "/") throw new InvalidArgumentError("nothing can take the place of /.");
  if (path === "" || path.includes("\0")) throw new InvalidArgumentError("expected a path.");
  return path;
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
