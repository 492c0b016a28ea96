import { InvalidArgumentError, type Command as Program } from "commander";
import type { PointQuery } from "../core/restore-query.ts";
import type { RestoreFilesAction } from "./restore-files-action.ts";

const examples = {
  ls: `  ec2-backup restore ls /srv/data/ --at "26h ago"`,
  cat: "  ec2-backup restore cat /etc/fstab > fstab.old",
  file: `  ec2-backup restore file /srv/data/x              beside it, as x.from-...
  ec2-backup restore file /srv/data/x --to /tmp/ --at "2026-11-01 03:00"
  ec2-backup restore file /srv/data/x --to /srv/data/ --overwrite
  ec2-backup restore file /srv/data --instance web-1 --to /mnt/rescued --dry-run`,
} as const;

const text = `Volumes are made of the point for as long as it takes, attached here, and
deleted again; EC2 charges for them by the second. What a killed command has
left of them is removed by the next.`;

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
    addPoints(place.command(name).description(description))
      .argument("<path>", "absolute, as it was called on the instance", absolute)
      .option("--volume <volume>", "id or device of the captured volume that it lies on (repeat)", collected)
      .option("--filesystem <name>", "label, UUID or partition number, where several have such a path")
      .option("--dry-run", "show the plan")
      .addHelpText("after", `\n${text}\n\nExamples:\n${examples[name]}`);
  const common = (path: string, options: Options) => ({
    query: queryOf(options),
    path,
    volumes: (options["volume"] as string[] | undefined) ?? [],
    ...(typeof options["filesystem"] === "string" ? { filesystem: options["filesystem"] } : {}),
    planned: options["dryRun"] === true,
  });
  const file = add("file", "copy a file or a directory of a point to this host");
  file
    .option("--to <place>", "a directory, or the path of the copy (default: beside the original)", target)
    .option("--overwrite", "replace files that are there already")
    .option("--missing", "leave files that are there already, and bring back the others")
    .action((path: string, options: Options) => {
      const [overwrite, missing] = [options["overwrite"] === true, options["missing"] === true];
      if (overwrite && missing) file.error("error: --overwrite and --missing contradict each other");
      const { to } = options;
      pick({
        action: "file",
        ...common(path, options),
        existing: overwrite ? "overwrite" : missing ? "keep" : "refuse",
        ...(typeof to === "string" ? { to } : {}),
      });
    });
  add("ls", "list a directory of a point").action((path: string, options: Options) =>
    pick({ action: "ls", ...common(path, options) }),
  );
  add("cat", "write a file of a point to standard output").action((path: string, options: Options) =>
    pick({ action: "cat", ...common(path, options) }),
  );
}

function absolute(path: string): string {
  if (!path.startsWith("/") || path.includes("\0"))
    throw new InvalidArgumentError("expected an absolute path.");
  return path;
}

function target(path: string): string {
  if (path === "/") throw new InvalidArgumentError("nothing can take the place of /.");
  return absolute(path);
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
