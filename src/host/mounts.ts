import { open, readFile } from "node:fs/promises";
import path from "node:path";
import { holderOf, type MountEntry } from "../core/mount-table.ts";
import { codeOf } from "./atomic-file.ts";

const ownMountInfo = "/proc/self/mountinfo";

/** The mounts that this process sees, in the kernel's order. Fails as the file does. */
export async function readMounts(file = ownMountInfo): Promise<MountEntry[]> {
  return parseMountInfo(await readFile(file, "utf8"));
}

/** The lines of mountinfo (see proc_pid_mountinfo(5)); a line that is none is left out. */
export function parseMountInfo(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const words = line.split(" ");
    // A number of optional fields, none included, ends with a hyphen.
    const end = words.indexOf("-", 6);
    const [id, parent, superblock, root, mountPoint] = words;
    const [filesystem, source, options] = words.slice(end + 1);
    if (end < 0 || superblock === undefined || root === undefined || mountPoint === undefined) return [];
    if (filesystem === undefined || source === undefined) return [];
    return {
      id: Number(id),
      parent: Number(parent),
      superblock,
      root: unescaped(root),
      path: unescaped(mountPoint),
      filesystem,
      source: unescaped(source),
      options: (options ?? "").split(",").map(unescaped),
    };
  });
}

/** The kernel writes blanks, line ends and backslashes as three octal digits each. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The superblock (`major:minor`, as in mountinfo) of the filesystem that a path leads to, or that its nearest
 * ancestor is on where it is not there yet. What stat calls a device is another number on btrfs.
 */
export async function superblockOf(file: string): Promise<string | undefined> {
  return (await entryOf(file, await readMounts()))?.superblock;
}

/** The mount that a path leads to, or that its nearest existing ancestor is on. */
export async function entryOf(file: string, entries: readonly MountEntry[]): Promise<MountEntry | undefined> {
  for (let at = path.resolve(file); ; at = path.dirname(at)) {
    const id = await mountIdOf(at);
    if (id !== undefined) return entries.find((entry) => entry.id === id) ?? holderOf(at, entries);
    if (at === path.dirname(at)) return undefined;
  }
}

/** O_PATH, which Node does not name: a handle for the place alone, needing no permission to read. */
const placeOnly = 0o10000000;

/** The kernel's id of the mount; absent if there is nothing at the path. */
async function mountIdOf(file: string): Promise<number | undefined> {
  try {
    const handle = await open(file, placeOnly);
    try {
      const facts = await readFile(`/proc/self/fdinfo/${handle.fd}`, "utf8");
      return Number(/^mnt_id:\s*(\d+)$/m.exec(facts)?.[1]);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(codeOf(error))) return undefined;
    throw error;
  }
}
