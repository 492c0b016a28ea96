import { formatDuration } from "../core/duration.ts";
import type { Job } from "../core/job.ts";
import { takesVolumes } from "../core/last-job.ts";
import type { TerminationSettings } from "../core/termination.ts";
import { Origins } from "./origins.ts";
import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";
import type { FileTermination } from "./termination-schema.ts";

/** What the file says of a last capture, above the built-in values. Runs do not need it, so it stands apart. */
export function terminationOf(file: ParsedFile | undefined): TerminationSettings {
  const {
    capture,
    every = 5_000,
    budget = 60_000,
    jobs = [],
  }: FileTermination = file?.config.termination ?? {};
  return { ...(capture === undefined ? {} : { capture }), every, budget, jobs };
}

/** The same as values with their origins, for check-config. */
export function terminationValues(
  file: ParsedFile,
): { readonly path: string; readonly value: string; readonly origin: string }[] {
  const given: FileTermination = file.config.termination ?? {};
  const { capture, every, budget, jobs } = terminationOf(file);
  const origins = new Origins(file);
  const values: [Path, unknown, string][] = [
    [["capture"], given.capture, capture === undefined ? "where a notice can come" : String(capture)],
    [["every"], given.every, formatDuration(every)],
    [["budget"], given.budget, formatDuration(budget)],
    [["jobs"], given.jobs, jobs.join(", ") || "every job that captures volumes"],
  ];
  return values.map(([path, written, value]) => {
    const at = ["termination", ...path];
    origins.pick(at, written, written);
    return { path: pathText(at), value, origin: origins.record[pathText(at)] ?? "built-in" };
  });
}

/** Names that are of no use there, each as a sentence. */
export function uselessJobs(file: ParsedFile, jobs: readonly Job[]): string[] {
  return terminationOf(file).jobs.flatMap((name) => {
    const job = jobs.find((one) => one.name === name);
    if (job === undefined) return [`termination.jobs: there is no job ${name}`];
    return takesVolumes(job) ? [] : [`termination.jobs: the job ${name} captures no volumes`];
  });
}
