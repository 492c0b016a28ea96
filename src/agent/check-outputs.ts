import { stat } from "node:fs/promises";
import type { Settings } from "../config/defaults.ts";
import { outputDefaults, outputsOf } from "../config/outputs.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { isPingUrl, namesJob } from "../core/ping-address.ts";
import type { CheckedHooks } from "./check-hooks.ts";
import type { HostProcess } from "./this-host.ts";

/**
 * Looks, without telling anybody anything, at what outputs and notices need on this host. All of it is a warning:
 * backups are made without it.
 */
export async function checkOutputs(
  { outputs = {}, notify = {} }: Settings,
  jobs: readonly string[],
  { uid }: Pick<HostProcess, "uid">,
): Promise<CheckedHooks> {
  const warnings: string[] = [];
  const { urlFile } = notify.ping ?? {};
  if (urlFile !== undefined)
    warnings.push(...(await lookAtUrl(urlFile, jobs, uid)).map((one) => `notify.ping.urlFile: ${one}`));
  if (outputsOf(outputs).includes("prometheus")) {
    const directory = outputs.prometheus?.directory ?? outputDefaults.directory;
    const there = await stat(directory).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!there)
      warnings.push(`metrics.prometheus.directory: there is no directory ${directory}: nothing is written`);
  }
  return { faults: [], warnings };
}

async function lookAtUrl(file: string, jobs: readonly string[], uid: number | undefined): Promise<string[]> {
  const { secretIn } = await import("../host/private-file.ts");
  let url: string;
  try {
    url = await secretIn(file, uid, "URL");
  } catch (error) {
    return [sentenceOf(failureOf(error, `use the URL in ${file}`))];
  }
  if (!isPingUrl(url)) return ["what the file holds is no http:// or https:// URL"];
  if (jobs.length < 2 || namesJob(url)) return [];
  return [`the URL has no {job} in it: of ${jobs.length} jobs a good one would hide that another fails`];
}
