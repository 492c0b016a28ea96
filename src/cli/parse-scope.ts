import { Option, type Command as Program } from "commander";
import { regionName } from "../core/region-name.ts";
import type { ScopeWish } from "../core/sweep-order.ts";
import { shaped } from "./shaped.ts";

type Options = Record<string, unknown>;

const several =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => [...(before ?? []), read(text)];

const region = shaped(regionName, "a Region such as eu-central-1");
const role = shaped(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "the ARN of a role");

/** Which accounts and Regions; for every command of a sweep. */
export function addScope(place: Program): Program {
  return place
    .option("--region <region>", "a Region; may be given several times", several(region))
    .addOption(new Option("--all-regions", "every Region that an account has enabled").conflicts("region"))
    .option("--role <arn>", "a role of another account to take on; several times", several(role))
    .option("--external-id <id>", "the external id that these roles demand");
}

/** Commander takes the words of a command wherever they stand, also behind a command below it that knows them not. */
export function optionsBelow(program: Program, sweep: Program): Options {
  const known = new Set(program.options.map((option) => option.attributeName()));
  const stray = sweep.options.find(
    (option) =>
      !known.has(option.attributeName()) && sweep.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (stray !== undefined)
    program.error(`error: option '${stray.flags}' belongs to 'sweep' itself, not to its '${program.name()}'`);
  return program.optsWithGlobals();
}

export function scopeWishOf(options: Options, program: Program): ScopeWish {
  const { region = [], role = [], allRegions, externalId } = options;
  if (externalId !== undefined && (role as readonly string[]).length === 0)
    program.error(
      "error: option '--external-id <id>' goes with '--role <arn>'; roles of the file have their own",
    );
  return {
    regions: [...new Set(region as readonly string[])],
    allRegions: allRegions === true,
    roles: [...new Set(role as readonly string[])],
    ...(typeof externalId === "string" ? { externalId } : {}),
  };
}
