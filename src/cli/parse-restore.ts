import { InvalidArgumentError, Option, type Command as Program } from "commander";
import type { PointQuery } from "../core/restore-query.ts";
import { consistencies } from "../core/retention-policy.ts";
import type { RestoreAction } from "./command.ts";
import { onlyUndo } from "./only-undo.ts";
import type { AddWords } from "./parse.ts";
import { addRestoreDirectory } from "./parse-directory.ts";
import { addReplace } from "./parse-replace.ts";
import { addFiles } from "./parse-restore-files.ts";
import { addInstance } from "./parse-restore-instance.ts";
import { addSearch } from "./parse-restore-search.ts";
import { bareOf, fromOf, source, withRepositoryOptions } from "./parse-stored.ts";
import { label, restoreId } from "./restore-words.ts";
import { shaped } from "./shaped.ts";

const examples = `Examples:
  ec2-backup restore list                               what there is
  ec2-backup restore file /srv/data/x --at "26h ago"    a copy beside it
  ec2-backup restore volumes --at "2026-11-01 03:00"    only the plan
  ec2-backup restore replace /dev/sdf --at "26h ago"    a swap: the plan
  ec2-backup restore instance --instance web-1          a new machine: the plan`;

const listExamples = `Examples:
  ec2-backup restore list
  ec2-backup restore list default --consistency application
  ec2-backup restore list --instance web-1       of another; it may be gone`;

const volumesExamples = `Examples:
  ec2-backup restore volumes --at "2026-11-01 03:00"    only the plan
  ec2-backup restore volumes --at "26h ago" --mount /mnt/restored --yes
  ec2-backup restore volumes /dev/sdf --point 0193a1b2-c3d4 --size 200 --yes
  ec2-backup restore volumes --undo                     what would go; add --yes`;

const volumesText = `Nothing is done without --yes, and the original volumes are never touched. On a
terminal the point can be chosen from a list, and the plan is asked about.
The same words again go on where an invocation that was stopped has ended.`;

type Options = Record<string, unknown>;

/** The words of \`ec2-backup restore\`. */
export const addRestore: AddWords = (place, choose) => {
  const pick = (action: RestoreAction): void => choose({ name: "restore", ...action });
  place.addHelpText("after", `\n${examples}`).helpCommand(false);
  const list = place.command("list").description("show the points that can be restored, newest first");
  withRepositoryOptions(addStoredPoints(list))
    .argument("[job...]", "of these jobs only (default: all)")
    .addHelpText("after", `\n${listExamples}`)
    .action((jobs: string[], options: Options) => {
      const query = { ...queryOf(options), ...bareOf(list, options) };
      pick({ action: "list", query: { ...query, jobs: [...query.jobs, ...jobs] } });
    });
  addVolumes(place.command("volumes"), pick);
  const words = { addPoints: addStoredPoints, queryOf };
  addFiles(place, pick, words);
  addSearch(place, pick, words);
  addReplace(addShape(addPoints(place.command("replace"))), pick, (options) => ({
    query: queryOf(options),
    shapeOf: (volumes) => wishOf(volumes, options).wish,
  }));
  addInstance(addPoints(place.command("instance")), queryOf, pick);
  addRestoreDirectory(place.command("directory"), pick);
};

/** Type, size and so on of new volumes. */
function addShape(command: Program): Program {
  return command
    .addOption(
      new Option("--type <type>", "of the volumes (default: as captured)").choices([
        "gp2",
        "gp3",
        "io1",
        "io2",
        "sc1",
        "st1",
        "standard",
      ]),
    )
    .option("--iops <count>", "of the volumes (default: as captured)", count)
    .option("--throughput <mibps>", "of gp3 volumes (default: as captured)", count)
    .option("--size <gib>", "of the volumes (default: as captured)", count)
    .option("--kms-key <key>", "encrypt with it (default: as the snapshot is)");
}

function addVolumes(command: Program, pick: (action: RestoreAction) => void): void {
  addShape(
    addPoints(command.description("make volumes of a point, attach them here and, on request, mount them"))
      .argument("[volume...]", "ids or devices of captured volumes (default: all but the root)")
      .option("--mount <dir>", "mount what is on them below this directory, read-only", absolute)
      .option("--writable", "with --mount: so that it can be written to")
      .option("--device <name>", "attach as this (one volume only)", device),
  )
    .option("--initialize <rate>", "100 to 300: EC2 reads all blocks at so many MiB/s; 'read': we do", rate)
    .option("--label <word>", "another restore of the same point beside an earlier one", label)
    .option("--undo", "detach and delete what restores that were not finished have left")
    .option("--restore <id>", "with --undo: this restore, also if it was finished", restoreId)
    .option("--dry-run", "show the plan, and ask nothing")
    .option("--yes", "do it")
    .addHelpText("after", `\n${volumesText}\n\n${volumesExamples}`)
    .action((volumes: string[], options: Options) => {
      const yes = options["yes"] === true && options["dryRun"] !== true;
      const dry = options["dryRun"] === true ? { dryRun: true as const } : {};
      if (options["undo"] === true) {
        const { restore } = options;
        onlyUndo(command, volumes, options);
        pick({ action: "undo", yes, ...dry, ...(typeof restore === "string" ? { restore } : {}) });
        return;
      }
      if (options["restore"] !== undefined) command.error("error: --restore needs --undo");
      if (options["writable"] === true && options["mount"] === undefined)
        command.error("error: --writable needs --mount");
      pick({ action: "volumes", query: queryOf(options), yes, ...dry, ...wishOf(volumes, options) });
    });
}

function addPoints(command: Program): Program {
  return addWish(command.option("--from <snapshot>", "this snapshot alone, whoever made it", snapshotId));
}

/** The same where points of files may be meant. */
function addStoredPoints(command: Program): Program {
  const what = "this repository, which may be a mirror; or this snapshot of a volume alone";
  return addWish(command.option("--from <source>", what, source));
}

function addWish(command: Program): Program {
  return command
    .option("--at <time>", 'the newest point at or before it: "2026-11-01 03:00", "26h ago"')
    .option("--point <id>", "the point of this id, or of this beginning of one", pointId)
    .option("--job <job>", "a point of this job (may be repeated)", collected)
    .option("--tag <key=value>", "a point with this tag (may be repeated)", collectedTag)
    .addOption(new Option("--consistency <least>", "at least so consistent").choices(consistencies))
    .option("--instance <instance>", "points of another instance: its ARN, id or Name tag", instance)
    .option("--region <region>", "points that were copied to this Region", region);
}

function queryOf(options: Options): PointQuery {
  const { at, point, from, job, tag, consistency, instance, region } = options;
  return {
    ...given("at", at),
    ...given("point", point),
    ...fromOf(from),
    jobs: job ?? [],
    tags: tag ?? [],
    ...given("consistency", consistency),
    ...given("instance", instance),
    ...given("region", region),
  } as PointQuery;
}

function wishOf(
  volumes: readonly string[],
  options: Options,
): Pick<Extract<RestoreAction, { readonly action: "volumes" }>, "wish" | "mount" | "initialize"> {
  const { mount, initialize } = options;
  const wish = {
    volumes,
    ...given("device", options["device"]),
    ...given("type", options["type"]),
    ...given("iops", options["iops"]),
    ...given("throughput", options["throughput"]),
    ...given("sizeGiB", options["size"]),
    ...given("kmsKey", options["kmsKey"]),
    ...given("label", options["label"]),
    ...(typeof initialize === "number" ? { initializeRate: initialize } : {}),
  };
  return {
    wish,
    ...(typeof mount === "string" ? { mount: { where: mount, writable: options["writable"] === true } } : {}),
    ...(initialize === undefined ? {} : { initialize: initialize === "read" ? "read" : "rate" }),
  };
}

function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function collectedTag(text: string, before: PointQuery["tags"] = []): PointQuery["tags"] {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  if (key === "") throw new InvalidArgumentError("expected KEY=VALUE or KEY.");
  return [...before, at < 0 ? { key } : { key, value: text.slice(at + 1) }];
}

const absolute = shaped(/^\/./, "an absolute path, other than /");
const device = shaped(/^\/dev\/(sd|xvd)[a-z]{1,2}$/, "a name such as /dev/sdf");
const pointId = shaped(/^[\w-]{8,}$/, "eight characters of an id at least");
const snapshotId = shaped(/^snap-[0-9a-f]{8,17}$/, "snap-…");
const region = shaped(/^[a-z]{2,4}(-[a-z]+)+-\d$/, "a Region such as eu-central-1");

function instance(value: string): string {
  if (value.trim() === "") throw new InvalidArgumentError("expected an ARN, an id or a Name tag.");
  return value;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}

/** EC2 takes 100 to 300 MiB a second (API reference, CreateVolume, VolumeInitializationRate). */
function rate(text: string): number | "read" {
  if (text === "read") return text;
  const value = /^\d{3}$/.test(text) ? Number(text) : 0;
  if (value < 100 || value > 300) throw new InvalidArgumentError("expected 100 to 300, or 'read'.");
  return value;
}
