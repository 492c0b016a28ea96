import type { Command as Program } from "commander";
import type { PointQuery } from "../core/restore-query.ts";
import type { RestoreAction } from "./command.ts";
import { onlyUndo } from "./only-undo.ts";
import { label } from "./restore-words.ts";
import { shaped } from "./shaped.ts";

const examples = `Examples:
  ec2-backup restore instance               the plan, of this one's newest point
  ec2-backup restore instance --instance web-1 --at "26h ago"
  ec2-backup restore instance --instance web-1 --yes        terminated or not
  ec2-backup restore instance --subnet subnet-0123456789abcdef0 --yes
  ec2-backup restore instance --undo        what would go; add --yes`;

const text = `Nothing is done without --yes, and the captured instance is never touched. The
same words again go on where an invocation that was stopped has ended; there
are never two instances.`;

type Options = Record<string, unknown>;

/** The words of \`ec2-backup restore instance\`. */
export function addInstance(
  command: Program,
  queryOf: (options: Options) => PointQuery,
  pick: (action: RestoreAction) => void,
): void {
  command
    .description("make a new instance of a point, like the one that was captured")
    .option("--type <type>", "of the instance (default: as captured)", type)
    .option("--architecture <name>", "where the point does not tell it: x86_64 or arm64", architecture)
    .option("--subnet <subnet>", "(default: as captured)", subnet)
    .option("--security-group <group>", "(may be repeated; default: as captured)", group)
    .option("--profile <profile>", "ARN or name of the instance profile (default: as captured)")
    .option("--no-profile", "without an instance profile")
    .option("--key-name <name>", "the key pair for SSH (default: as captured)")
    .option("--name <name>", "its Name tag (default: as captured)")
    .option("--user-data <file>", "this user data")
    .option("--user-data-differs", "also if it is not what the machine had")
    .option("--no-user-data", "without user data")
    .option("--keep-image", "keep the image that is made for it")
    .option("--label <word>", "another instance of the same point beside an earlier one", label)
    .option("--undo", "take back what restores that were not finished have left")
    .option("--restore <id>", "with --undo: this restore", machineId)
    .option("--dry-run", "show the plan, as without --yes")
    .option("--yes", "do it")
    .addHelpText("after", `\n${text}\n\n${examples}`)
    .action((options: Options) => {
      const yes = options["yes"] === true && options["dryRun"] !== true;
      const { restore } = options;
      if (options["undo"] === true) {
        onlyUndo(command, [], options, ["profile", "userData"]);
        pick({ action: "undo-instance", yes, ...(typeof restore === "string" ? { restore } : {}) });
        return;
      }
      if (restore !== undefined) command.error("error: --restore needs --undo");
      pick({ action: "instance", query: queryOf(options), yes, ...orderOf(options) });
    });
}

function orderOf(
  options: Options,
): Pick<Extract<RestoreAction, { readonly action: "instance" }>, "wish" | "userData" | "keepImage"> {
  const { type, architecture, subnet, securityGroup, profile, keyName, name, label, userData } = options;
  const given = { type, architecture, subnet, keyName, name, label, profile };
  const texts = Object.entries(given).filter(([, value]) => typeof value === "string" || value === false);
  return {
    wish: { ...Object.fromEntries(texts), groups: (securityGroup as string[] | undefined) ?? [] },
    userData: {
      none: userData === false,
      ...(typeof userData === "string" ? { file: userData } : {}),
      differs: options["userDataDiffers"] === true,
    },
    keepImage: options["keepImage"] === true,
  };
}

const type = shaped(/^[a-z][\w-]*\.[\w-]+$/, "a type such as m7i.large");
const architecture = shaped(/^(x86_64|arm64)$/, "x86_64 or arm64");
const subnet = shaped(/^subnet-[0-9a-f]{8,17}$/, "subnet-…");
const groupId = shaped(/^sg-[0-9a-f]{8,17}$/, "sg-…");
const machineId = shaped(/^instance-[0-9a-f]{16}$/, "instance-… as the plan names it");

function group(text: string, before: readonly string[] = []): string[] {
  return [...before, groupId(text)];
}
