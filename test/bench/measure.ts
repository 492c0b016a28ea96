import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Contender, Work } from "./contender.ts";
import { python } from "./contenders/boto3.ts";

/** What one whole process cost: milliseconds, milliseconds of CPU, MiB. */
export interface Cost {
  wall: number;
  cpu: number;
  peak: number;
}

/** Runs a contender once; one that fails has measured nothing, so that is an error. */
export function measure(contender: Contender, work: Work): Cost {
  const log = path.join(work.folder, "contender.log");
  const argv = contender.command(work);
  const env = { ...plainEnvironment(), ...work.env, ...contender.env?.(work) };
  const result = spawnSync(python, [path.join(import.meta.dirname, "measure.py")], {
    input: JSON.stringify({ argv, env, log }),
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(`cannot measure with ${python}: ${result.error ?? result.stderr}`);
  const { status, ...cost }: Cost & { status: number } = JSON.parse(result.stdout);
  if (status !== 0) {
    throw new Error(`${contender.name} exited with ${status}:\n${readFileSync(log, "utf8").slice(-4000)}`);
  }
  return cost;
}

/** Only what a cron job would have; extra certificates alone cost a Node start tens of milliseconds. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = "/usr/bin:/bin", HOME = "/root" } = process.env;
  return { PATH, HOME, TZ: "UTC", LANG: "C.UTF-8" };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return Number.isInteger(middle)
    ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
    : (sorted[Math.floor(middle)] ?? 0);
}
