import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, open, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { authorship } from "../core/install/mark.ts";
import type { FoundFile, InstallStep, Switching } from "../core/install/words.ts";
import { cannotWrite, codeOf, readJson, replaceFile } from "./atomic-file.ts";
import { systemctl } from "./unit-control.ts";

/** SHA-256, by which install knows what it has written. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Where install works: below `root`, which is `/` but in tests. */
export interface InstallPlaces {
  readonly root: string;
  readonly stateDirectory: string;
}

/** Those of these files that are there, with who wrote them. What is no regular file is somebody else's. */
export async function foundFiles(
  paths: readonly string[],
  { root }: InstallPlaces,
): Promise<Readonly<Record<string, FoundFile>>> {
  const found = await Promise.all(
    paths.map(async (one): Promise<[string, FoundFile][]> => {
      const file = path.join(root, one);
      try {
        if (!(await lstat(file)).isFile()) return [[one, { text: "", by: "foreign" }]];
        const text = await readFile(file, "utf8");
        return [[one, { text, by: authorship(text, digest) }]];
      } catch (error) {
        if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return [];
        throw error;
      }
    }),
  );
  return Object.fromEntries(found.flat());
}

/** Those of these units that a package has installed. */
export async function packagedUnits(
  names: readonly string[],
  { root }: InstallPlaces,
): Promise<readonly string[]> {
  const there = await Promise.all(
    names.map(async (name) => {
      const files = ["usr/lib", "lib"].map((one) => path.join(root, one, "systemd/system", name));
      return (await Promise.all(files.map((file) => exists(file)))).includes(true) ? [name] : [];
    }),
  );
  return there.flat();
}

/** Whether there is a directory. */
export function isDirectory(directory: string): Promise<boolean> {
  return stat(directory).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** What stands there, if it is a directory or leads to one by a link. */
export async function directoryOrLink(place: string): Promise<"directory" | "link" | undefined> {
  if (!(await isDirectory(place))) return undefined;
  return (await lstat(place)).isSymbolicLink() ? "link" : "directory";
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Where it is noted what an install replaces, for who comes after its death. */
function noteOf({ stateDirectory }: InstallPlaces): string {
  return path.join(stateDirectory, "install.json");
}

/** What an install that was cut off had begun. */
export async function unfinishedSwitch(places: InstallPlaces): Promise<Switching | undefined> {
  const { to, away } = ((await readJson(noteOf(places))) ?? {}) as Partial<Switching>;
  const isKind = to === "daemon" || to === "timer" || to === "cron-daily";
  return isKind && Array.isArray(away) ? { to, away: away.map(String) } : undefined;
}

/** Does a step; doing it again does no harm. @throws BackupError */
export async function doInstallStep(step: InstallStep, places: InstallPlaces): Promise<void> {
  switch (step.do) {
    case "write":
      await mustBeAsPlanned(step.path, [step.before, step.text], places);
      return placeFile(path.join(places.root, step.path), step.text, step.mode);
    case "remove":
      if (step.before !== undefined) await mustBeAsPlanned(step.path, [step.before, undefined], places);
      return removeFile(path.join(places.root, step.path));
    case "reload":
      return void (await systemctl("daemon-reload"));
    case "enable":
      await systemctl("enable", step.unit);
      // Not `start`, which waits for the next attempt where systemd tries again and again to start it.
      return void (await systemctl("restart", step.unit));
    case "restart":
      return void (await systemctl("restart", step.unit));
    case "disable":
      return void (await systemctl("disable", "--now", step.unit));
    case "begin-switch":
      return replaceFile(noteOf(places), JSON.stringify(step.switching));
    case "end-switch":
      return removeFile(noteOf(places));
  }
}

/** Removes a directory of ours with all that is in it, but nothing by a link. @throws BackupError */
export async function removeDirectory(directory: string, { root }: InstallPlaces): Promise<void> {
  const place = path.join(root, directory);
  if ((await directoryOrLink(place)) === "link")
    throw new BackupError({
      kind: "refused",
      doing: `remove ${directory}`,
      found: "it is a link by now",
      remedy: "see where it leads, and remove it by hand",
    });
  try {
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    throw cannotWrite(`remove ${directory}`, error);
  }
}

/** Removes a directory of ours if nothing is in it. */
export async function removeIfEmpty(directory: string, { root }: InstallPlaces): Promise<void> {
  await rmdir(path.join(root, directory)).catch(() => undefined);
}

/** What a death leaves of it: systemd, every run-parts(8) and our own look at cron pass over hidden files. */
function unfinishedOf(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.new`);
}

/**
 * Whether the file is still as it was when it was decided what becomes of it, or as it is to be. The moment between
 * this look and the act stays.
 * @param expected the texts that it may have; undefined: it may be absent. @throws BackupError
 */
async function mustBeAsPlanned(
  file: string,
  expected: readonly (string | undefined)[],
  places: InstallPlaces,
): Promise<void> {
  const now = (await foundFiles([file], places))[file]?.text;
  if (expected.includes(now)) return;
  throw new BackupError({
    kind: "refused",
    doing: `replace or remove ${file}`,
    found: "somebody has changed it since it was looked at",
    remedy: "repeat this: it looks again",
  });
}

/** As a whole or not at all. */
async function placeFile(file: string, text: string, mode: number): Promise<void> {
  const fresh = unfinishedOf(file);
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
    await rm(fresh, { force: true });
    const handle = await open(fresh, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Whatever the umask.
    await chmod(fresh, mode);
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw cannotWrite(`write ${file}`, error);
  }
}

async function removeFile(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    await rm(unfinishedOf(file), { force: true });
  } catch (error) {
    throw cannotWrite(`remove ${file}`, error);
  }
}
