import { InvalidArgumentError, Option, type Command as Program } from "commander";
import { type DirectoryMethod, directoryFilesystems } from "../core/directory.ts";
import type { RestoreAction } from "./command.ts";
import type { DirectoryPlace } from "./directory-action.ts";
import type { AddWords } from "./parse.ts";

type Options = Record<string, unknown>;

const text = `stdout has the volume's id and nothing else. On an EC2 instance the volume is
attached to it; elsewhere an instance is started for the copy, and all of it is
removed again.

Environment:
  EC2_BACKUP_VERBOSE         set: progress is told on stderr
  EC2_BACKUP_FLAGS_AWS       of the instance: --instance-type, --subnet-id, --image-id
  EC2_BACKUP_FLAGS_SSH       of ssh: -i FILE, -l USER, -o NAME=VALUE and others
  AWS_BACKUP_INSTANCE_TYPE   as --instance-type

Examples:
  ec2-backup directory /srv/data
  ec2-backup directory -m rsync -v vol-0123456789abcdef0 /srv/data
  ec2-backup directory -l "gzip -9" -r "openssl enc -aes-256-cbc -kfile k" /etc
  ec2-backup directory --clean-up --dry-run   what killed copies have left

It is brought back by \`ec2-backup restore directory\`.`;

/** The words of \`ec2-backup directory\`. */
export const addDirectory: AddWords = (place, choose) => {
  addPlace(place)
    .argument("[dir]", "the directory")
    .addOption(
      new Option("-m, --method <method>", "dd: tar onto the raw disk; rsync: a filesystem that is kept up")
        .choices(["dd", "rsync"])
        .default("dd"),
    )
    .option("-v, --volume <volume-id>", "onto this one (default: a new one of twice the size)", volumeId)
    .option("-l, --local-filter <command>", "the archive goes through it before it is sent")
    .option("-r, --remote-filter <command>", "the archive goes through it before it is written")
    .addOption(
      new Option("--filesystem <type>", "of a new volume of rsync")
        .choices([...directoryFilesystems])
        .default("ext4"),
    )
    .option("--one-file-system", "leave out other filesystems below the directory")
    .option("--zone <zone>", "of a new volume, where this is no instance")
    .option("--force", "give up what the volume holds, whatever it is")
    .option("--clean-up", "only remove what killed copies have left")
    .option("--dry-run", "show what would be done")
    .addHelpText("after", `\n${text}`)
    .action((dir: string | undefined, options: Options) => {
      const where = placeOf(options);
      if (options["cleanUp"] === true) {
        if (dir !== undefined) place.error("error: --clean-up takes no directory");
        choose({ name: "directory", action: "clean-up", ...where, dryRun: options["dryRun"] === true });
        return;
      }
      if (dir === undefined) place.error("error: missing argument 'dir'");
      if (options["volume"] !== undefined && options["zone"] !== undefined)
        place.error("error: --zone is for a new volume; one that is there has its own");
      const method = options["method"] as DirectoryMethod;
      const filters = filtersOf(options);
      if (method === "rsync" && Object.keys(filters).length > 0)
        place.error("error: -l and -r need -m dd: rsync has no stream that a filter could be put into");
      const { volume } = options;
      choose({
        name: "directory",
        action: "copy",
        ...where,
        order: {
          directory: absolute(dir ?? ""),
          method,
          oneFileSystem: options["oneFileSystem"] === true,
          filesystem: options["filesystem"] === "xfs" ? "xfs" : "ext4",
          ...filters,
        },
        ...(typeof volume === "string" ? { volume } : {}),
        force: options["force"] === true,
        dryRun: options["dryRun"] === true,
      });
    });
};

const restoreText = `Examples:
  ec2-backup restore directory vol-0123456789abcdef0 --to /srv/restored

What was written through filters needs those that undo them: -r runs where the
volume is, then -l here.`;

/** The words of \`ec2-backup restore directory\`. */
export function addRestoreDirectory(command: Program, pick: (action: RestoreAction) => void): void {
  addPlace(command.description("bring back a directory that `ec2-backup directory` has put onto a volume"))
    .argument("<volume>", "its id", volumeId)
    .requiredOption("--to <dir>", "a directory that is empty or not there", absolute)
    .option("-l, --local-filter <command>", "undoes what -l did")
    .option("-r, --remote-filter <command>", "undoes what -r did")
    .option("--force", "also what is not known to be whole")
    .option("--dry-run", "only say what would be done")
    .addHelpText("after", `\n${restoreText}`)
    .action((volume: string, options: Options) =>
      pick({
        action: "directory",
        volume,
        to: String(options["to"]),
        ...filtersOf(options),
        force: options["force"] === true,
        dryRun: options["dryRun"] === true,
        ...placeOf(options),
      }),
    );
}

function addPlace(command: Program): Program {
  return command
    .option("--region <region>", "where this is no instance (default: that of the environment)")
    .option("--elsewhere", "start an instance for it, though this is one")
    .option(
      "--from <cidr>",
      "who may reach that instance (default: this host's address, as AWS sees it)",
      cidr,
    );
}

function placeOf(options: Options): DirectoryPlace {
  const texts = Object.fromEntries(
    ["region", "zone", "from"].flatMap((name) => {
      const value = options[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
  return { ...texts, elsewhere: options["elsewhere"] === true };
}

function filtersOf({ localFilter: local, remoteFilter: remote }: Options): {
  readonly local?: string;
  readonly remote?: string;
} {
  return {
    ...(typeof local === "string" ? { local } : {}),
    ...(typeof remote === "string" ? { remote } : {}),
  };
}

function volumeId(word: string): string {
  if (!/^vol-[0-9a-f]{8}([0-9a-f]{9})?$/.test(word))
    throw new InvalidArgumentError("expected an id such as vol-0123456789abcdef0.");
  return word;
}

function absolute(word: string): string {
  if (word === "") throw new InvalidArgumentError("expected a directory.");
  return word;
}

function cidr(word: string): string {
  const [, address = "", bits = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(word) ?? [];
  const parts = address.split(".").map(Number);
  if (address === "" || parts.some((part) => part > 255) || Number(bits) > 32)
    throw new InvalidArgumentError("expected addresses such as 203.0.113.7/32.");
  if (Number(bits) < 8) throw new InvalidArgumentError("that is open to the world: name fewer addresses.");
  return word;
}
