import { Option } from "commander";
import type { Command } from "./command.ts";
import { type AddWords, jobs } from "./parse.ts";

type Report = Extract<Command, { readonly name: "report" }>;

/** The words of `ec2-backup report`. */
export const addReport: AddWords = (place, choose) => {
  place
    .argument("[job...]", jobs)
    .addOption(new Option("--format <format>", "default: by FILE").choices(["html", "md", "json"]))
    .option("--output <file>", "write there, not to stdout")
    .action((names: string[], options: Pick<Report, "format" | "output">) => {
      choose({ name: "report", jobs: names, ...options });
    });
};
