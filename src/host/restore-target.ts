import { lstat, realpath } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { Existing } from "../core/file-ports.ts";
import { codeOf } from "./atomic-file.ts";
import { within } from "./within.ts";

/** Milliseconds after which a network filesystem whose server is gone is not waited for. */
const patience = 5_000;

/**
 * The path with the links resolved that lead to it, as far as it is there; its last name stays as it is, since a link
 * is restored as a link.
 */
export async function realPlace(wanted: string): Promise<string> {
  const whole = path.resolve(wanted);
  const tail = [path.basename(whole)];
  for (let at = path.dirname(whole); ; at = path.dirname(at)) {
    const real = await within(
      patience,
      realpath(at).catch(() => undefined),
      undefined,
    );
    if (real !== undefined) return path.join(real, ...tail);
    if (at === "/") return whole;
    tail.unshift(path.basename(at));
  }
}

/**
 * Where a copy goes: into a directory that is there or is named with a slash at its end, under the name of the
 * original, else the path itself. A link is no directory. Refuses, before anything is made, a place that is taken.
 */
export async function restoreTarget(to: string, original: string, existing: Existing): Promise<string> {
  const name = path.basename(path.resolve(original));
  const at = path.resolve(to);
  const inside = to.endsWith("/") || (await kindOf(at)) === "directory";
  const target = inside ? path.join(at, name) : at;
  if (existing !== "refuse" || (await kindOf(target)) !== "other") return target;
  throw new BackupError({
    kind: "refused",
    doing: `restore ${original}`,
    found: `${target} is there already`,
    remedy: "name another place by --to, or let files be replaced by --overwrite",
  });
}

/**
 * Where a copy goes that gets a name of its own beside the original. What has that name is most likely the same copy,
 * made before: it is never gone into, so that no copy comes to lie in another.
 */
export async function restoreBeside(at: string, original: string, existing: Existing): Promise<string> {
  if (existing !== "refuse" || (await kindOf(at)) === undefined) return at;
  throw new BackupError({
    kind: "refused",
    doing: `restore ${original}`,
    found: `${at} is there already, as the same command leaves it when it has come to its end`,
    remedy:
      "look at it first; --missing brings back what it lacks, --overwrite replaces files, --to names another place",
  });
}

async function kindOf(at: string): Promise<"directory" | "other" | undefined> {
  try {
    return (await lstat(at)).isDirectory() ? "directory" : "other";
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    throw new BackupError(
      {
        kind: "cannot-write",
        doing: `restore to ${at}`,
        found: code === "ENOTDIR" ? "something on the way to it is no directory" : code,
        remedy: "name another place by --to",
        code,
      },
      { cause: error },
    );
  }
}
