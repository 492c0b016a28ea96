import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import type { TestContext } from "vitest";
import { has, need } from "../../host/places.ts";

/** A restic to test with. */
export interface Restic {
  readonly name: "the system's" | "a current";
  /** Undefined where it is missing. */
  readonly program: string | undefined;
  /** Such as `0.14.0`. */
  readonly version: string;
  /** What to do where it is missing. */
  readonly missing: string;
}

const script = path.resolve(import.meta.dirname, "../../../.ci/restic-current");

function resticOf(name: Restic["name"], program: string | undefined, missing: string): Restic {
  if (program === undefined) return { name, program, version: "missing", missing };
  const told = spawnSync(program, ["version"], { encoding: "utf8" });
  const [, version] = /^restic (\d+\.\d+\.\d+)/.exec(told.stdout ?? "") ?? [];
  if (version === undefined) return { name, program: undefined, version: "missing", missing };
  return { name, program, version, missing };
}

/** It is fetched where it was not yet; that needs Debian's apt and a network. */
function currentRestic(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const found = spawnSync(script, { encoding: "utf8", timeout: 120_000 });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** The restic that this system packages. */
export const systemRestic: Restic = resticOf(
  "the system's",
  has("restic") ? execFileSync("sh", ["-c", "command -v restic"], { encoding: "utf8" }).trim() : undefined,
  "restic (package restic)",
);

let current: Restic | undefined;

/** A restic of today, beside the system's. */
export function currentResticOf(): Restic {
  current ??= resticOf("a current", currentRestic(), "a current restic (.ci/restic-current)");
  return current;
}

export const restics = (): readonly Restic[] => [systemRestic, currentResticOf()];

/** What both do alike is tried with one of them, and with both where SOAK=1. */
export const oneRestic = (name: Restic["name"] = "the system's"): readonly Restic[] =>
  process.env["SOAK"] === undefined ? restics().filter((one) => one.name === name) : restics();

/** The path of a restic; the test is left out where it is missing, but not in CI. */
export function needRestic(context: TestContext, restic: Restic): string {
  need(context, restic.program !== undefined, restic.missing);
  return restic.program ?? "";
}
