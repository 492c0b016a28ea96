import { mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { DirectoryOrder } from "../core/directory.ts";
import type { DirectoryReader } from "../core/directory-ports.ts";
import { countScript } from "../core/directory-scripts.ts";
import { bringingName } from "../core/directory-settle.ts";
import { countOf } from "../core/directory-verdict.ts";
import { BackupError } from "../core/errors.ts";
import { isWithin } from "../core/mount-table.ts";
import { codeOf, makeDirectory } from "./atomic-file.ts";
import { runScript, type ShellGround } from "./directory-shell.ts";
import { readMounts } from "./mounts.ts";
import { systemProgram } from "./system-path.ts";

/** Filesystems that hold no files but the kernel's own. */
const virtual = new Set(
  "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore rpc_pipefs securityfs sysfs tracefs".split(
    " ",
  ),
);

/** Counts what a directory of this host holds. `work` is a directory of ours. */
export function directoryReader(work: string, ground: ShellGround): DirectoryReader {
  return {
    async count(order, signal) {
      const { directory } = order;
      const doing = `read ${directory}`;
      const stats = await stat(directory).catch((error: unknown) => {
        const code = codeOf(error);
        const isGone = code === "ENOENT";
        throw new BackupError({
          kind: code === "EACCES" ? "denied" : "usage",
          doing,
          found: isGone ? "there is no such directory" : code,
          ...(isGone ? { remedy: "see that its name is right and its filesystem mounted" } : {}),
          code,
        });
      });
      if (!stats.isDirectory())
        throw new BackupError({
          kind: "usage",
          doing,
          found: "it is not a directory",
          remedy: `name the one that it is in: ${path.dirname(directory)}`,
        });
      await readdir(directory).catch((error: unknown) => {
        throw new BackupError({ kind: "denied", doing, found: codeOf(error), remedy: "run this as root" });
      });
      await refuseVirtual(order);
      await needPrograms(order);
      await makeDirectory(work);
      return countOf(directory, await runScript(countScript(order, work), { doing }, ground, signal));
    },
  };
}

async function refuseVirtual({ directory, oneFileSystem }: DirectoryOrder): Promise<void> {
  for (const { path: where, filesystem: type } of await readMounts().catch(() => [])) {
    const inside = where === directory || (!oneFileSystem && isWithin(where, directory));
    if (inside && virtual.has(type))
      throw new BackupError({
        kind: "usage",
        doing: `read ${directory}`,
        found: `${where} is a ${type} of the kernel and holds no files`,
        remedy:
          where === directory ? "name another directory" : "add --one-file-system, or name a directory below",
      });
  }
}

async function needPrograms({ method, local }: DirectoryOrder): Promise<void> {
  const needed = [
    "tar",
    "find",
    "sha256sum",
    ...(method === "rsync" ? ["rsync"] : []),
    ...(local === undefined ? [] : ["bash"]),
  ];
  for (const name of needed) {
    if ((await systemProgram(name)) !== undefined) continue;
    throw new BackupError({
      kind: "configuration",
      doing: `find the program ${name}`,
      found: "it is not installed",
      remedy: `install ${name === "find" ? "findutils" : name === "sha256sum" ? "coreutils" : name}`,
    });
  }
}

/** The directory that data is to be brought back to: absent, then it is made, or empty. */
export async function emptyDirectory(to: string, isPlanned = false): Promise<string> {
  const directory = path.resolve(to);
  const doing = `bring a directory back to ${directory}`;
  const remedy = "name a directory that is empty or not there";
  const names = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    const code = codeOf(error);
    const found = code === "ENOTDIR" ? "it, or something on the way to it, is no directory" : code;
    throw new BackupError({ kind: "usage", doing, found, remedy });
  });
  const stage = path.join(directory, bringingName);
  if (names?.includes(bringingName) === true)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `${stage} is there: another one is at work, or was killed`,
      remedy: `if nobody is at work on it: rm -r ${stage}`,
    });
  if (names !== undefined && names.length > 0)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `it is not empty (${names.slice(0, 3).join(", ")})`,
      remedy,
    });
  if (names === undefined && !isPlanned) await makeDirectory(directory);
  return directory;
}

/** Makes the directory within that one in which all of it is made, so that nothing half is ever in its place. */
export async function bringingStage(to: string): Promise<string> {
  const stage = path.join(to, bringingName);
  await mkdir(stage, { mode: 0o700 }).catch((error: unknown) => {
    throw new BackupError({ kind: "cannot-write", doing: `make ${stage}`, found: codeOf(error) });
  });
  return stage;
}
