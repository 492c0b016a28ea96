import { type AddWords, jobs } from "./parse.ts";
import { shaped } from "./shaped.ts";

type Options = Record<string, unknown>;

/** The words of `ec2-backup prune`. */
export const addPrune: AddWords = (place, choose) => {
  place
    .argument("[job...]", jobs)
    .option("--all", "job 'default' over all volumes, whatever is configured")
    .option("--yes", "release the brake and the wait after a shrunk policy")
    .option("--dry-run", "change nothing, show what would be done")
    .action((names: string[], options: Options) => {
      const { all, yes, dryRun } = options;
      choose({ name: "prune", jobs: names, all: all === true, yes: yes === true, dryRun: dryRun === true });
    });
};

/** The words of `ec2-backup copy`. */
export const addCopy: AddWords = (place, choose) => {
  place
    .argument("[job...]", jobs)
    .option("--wait", "wait until all that is wanted in the other Regions is whole there")
    .option("--dry-run", "change nothing, show what would be done")
    .action((names: string[], { wait, dryRun }: Options) => {
      choose({ name: "copy", jobs: names, wait: wait === true, dryRun: dryRun === true });
    });
};

/** The words of `ec2-backup forget`. */
export const addForget: AddWords = (place, choose) => {
  place
    .argument(
      "<volume>",
      "id of a volume that is no longer attached, or files or dump/NAME that no job stores any more",
      shaped(/^(vol-[0-9a-f]+|files|dump\/[\w.%-]+(\/[\w.%-]+)?)$/, "vol-…, files or dump/NAME"),
    )
    .option("--yes", "really remove")
    .option("--dry-run", "change nothing, show what would be done")
    .action((volume: string, options: Options) => {
      choose({ name: "forget", volume, yes: options["yes"] === true, dryRun: options["dryRun"] === true });
    });
};
