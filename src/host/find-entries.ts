import { createHash } from "node:crypto";
import type { TreeEntry } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { EntryKind, FileEntry } from "../core/file-ports.ts";
import { askProgram } from "./ask-program.ts";

/** Milliseconds for one look at a directory, whose blocks may still have to come from the snapshot. */
export const lookPatience = 120_000;
/** Milliseconds for the walk through a whole tree. */
const walkPatience = 3_600_000;
const mostWalked = 1024 * 1024 * 1024;

const kinds: Readonly<Record<string, EntryKind>> = {
  f: "file",
  d: "directory",
  l: "link",
  p: "pipe",
  s: "socket",
  b: "block device",
  c: "character device",
};

const columns = ["%y", "%m", "%U", "%G", "%s", "%n", "%T@", "%l", "%f"];

/**
 * What find(1) sees at a path without following links: the entry itself (depth 0) or what the directory holds
 * (depth 1). A program of its own asks, so that a disk that does not answer keeps a process and not this one.
 */
export async function findEntries(
  at: string,
  depth: 0 | 1,
  signal: AbortSignal,
): Promise<readonly FileEntry[]> {
  const words = ["-P", at, "-mindepth", String(depth), "-maxdepth", String(depth)];
  const answer = await askProgram("find", [...words, "-printf", `${columns.join("\\0")}\\0`], {
    timeout: lookPatience,
    signal,
  });
  const fields = answer.stdout.toString("latin1").split("\0").slice(0, -1);
  const found: FileEntry[] = [];
  for (let from = 0; from + columns.length <= fields.length; from += columns.length)
    found.push(entryOf(fields.slice(from, from + columns.length)));
  if (answer.code !== 0) throw unreadable(at, answer.said);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function entryOf(fields: readonly string[]): FileEntry {
  const [kind = "", mode = "", uid, gid, size, links, changed, target = "", name = ""] = fields;
  const bytes = Buffer.from(name, "latin1");
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(bytes);
  return {
    name: text,
    ...(isText ? {} : { bytes: bytes.toString("hex") }),
    kind: kinds[kind] ?? "file",
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    links: Number(links),
    changed: new Date(Number(changed) * 1000),
    ...(kind === "l" ? { target: Buffer.from(target, "latin1").toString("utf8") } : {}),
  };
}

function unreadable(at: string, said: string): BackupError {
  const isAbsent = /No such file or directory|Not a directory/.test(said);
  const kind = isAbsent ? "not-found" : "unexpected";
  return new BackupError({ kind, doing: `look at ${at}`, found: said.replace(/^find: /, "") });
}

/** A tree, and what differs where anything in it is another or has been changed. */
export interface WalkedTree {
  readonly entries: readonly TreeEntry[];
  /** Of names, kinds, numbers of inodes, owners, modes, sizes and times, whatever order they were read in. */
  readonly digest: string;
}

/** All of the tree at `base/name`, itself included, with paths from `base`. */
export async function walkTree(base: string, name: string, signal: AbortSignal): Promise<WalkedTree> {
  const at = `${base === "/" ? "" : base}/${name}`;
  const format = "%y\\0%s\\0%b\\0%n\\0%D:%i\\0%i %m %U %G %T@ %C@\\0%P\\0";
  const answer = await askProgram("find", ["-P", at, "-printf", format], {
    timeout: walkPatience,
    signal,
    most: mostWalked,
  });
  if (answer.code !== 0) throw unreadable(at, answer.said);
  const top = Buffer.from(name, "utf8").toString("latin1");
  const fields = answer.stdout.toString("latin1").split("\0");
  const entries: TreeEntry[] = [];
  const told: string[] = [];
  for (let from = 0; from + 7 < fields.length; from += 7) {
    const [kind = "", size, blocks, links, inode = "", state, below = ""] = fields.slice(from, from + 7);
    told.push(`${below}\0${kind} ${size} ${links} ${state}\0`);
    entries.push({
      path: below === "" ? top : `${top}/${below}`,
      kind,
      bytes: kind === "f" ? Math.min(Number(size), Number(blocks) * 512) : 0,
      ...(kind !== "d" && Number(links) > 1 ? { inode } : {}),
    });
  }
  const hash = createHash("sha256");
  for (const one of told.sort()) hash.update(one, "latin1");
  return { entries, digest: hash.digest("hex") };
}
