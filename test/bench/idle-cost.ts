import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { plainEnvironment } from "./measure.ts";
import { fixed } from "./table.ts";

/** RSS and private dirty memory of a daemon that waits, in MiB; dashes where it does not come to that. */
export async function idleCost(
  [program = "", ...words]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly [rss: string, dirty: string]> {
  if (process.platform !== "linux") return ["-", "-"];
  const child = spawn(program, words, {
    stdio: ["ignore", "ignore", "ignore"],
    env: { ...plainEnvironment(), ...env },
  });
  const gone = once(child, "exit");
  await Promise.race([sleep(5000), gone]);
  if (child.exitCode !== null) return ["-", "-"];
  const memory = readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8");
  const mebibytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(memory)?.[1]) / 1024;
  child.kill("SIGTERM");
  await gone;
  return [fixed(mebibytes("Rss")), fixed(mebibytes("Private_Dirty"))];
}
