import { spawn } from "node:child_process";
import { realpath } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { FileEntry } from "../core/file-ports.ts";
import { abandon, needProgram } from "./ask-program.ts";
import { findEntries, lookPatience } from "./find-entries.ts";
import { systemEnvironment } from "./system-path.ts";
import { within } from "./within.ts";

/** A place within a clone, with all links on the way resolved as the clone's own system would. */
export interface InsidePlace {
  /** Absolute, on this host. */
  readonly at: string;
  readonly entry: FileEntry;
}

/** Milliseconds for a program that was killed to go. */
const goingPatience = 2_000;

/** As many as the kernel follows. */
const mostLinks = 40;

/**
 * Finds a path within a clone. Links lead within the clone, as if it were the whole system: an absolute one begins
 * at its root, and nothing leads above that. The last name is not followed unless told so.
 */
export async function insideClone(
  root: string,
  wanted: string,
  { follow }: { readonly follow: boolean },
  signal: AbortSignal,
): Promise<InsidePlace> {
  const doing = `find ${wanted} in the snapshot`;
  if (wanted.includes("\0"))
    throw new BackupError({ kind: "usage", doing, found: "the path has a zero byte" });
  const top = await within(lookPatience, realpath(root), undefined);
  if (top === undefined)
    throw new BackupError({ kind: "unexpected", doing, found: `${root} does not answer` });
  const names = wanted.split("/");
  const trail: string[] = [];
  let [entry] = await findEntries(top, 0, signal);
  for (let links = 0; names.length > 0; ) {
    const name = names.shift() ?? "";
    if (name === "" || name === ".") continue;
    if (name === "..") {
      trail.pop();
      continue;
    }
    const at = path.join(top, ...trail, name);
    [entry] = await findEntries(at, 0, signal).catch((error: unknown) => {
      const gone = error instanceof BackupError && error.kind === "not-found";
      throw gone
        ? new BackupError({ kind: "not-found", doing, found: `there is no /${[...trail, name].join("/")}` })
        : error;
    });
    const isLast = names.every((one) => one === "" || one === ".");
    if (entry?.kind !== "link" || (isLast && !follow)) {
      trail.push(name);
      continue;
    }
    if (++links > mostLinks)
      throw new BackupError({ kind: "refused", doing, found: "too many links on the way" });
    const target = entry.target ?? "";
    if (target.startsWith("/")) trail.length = 0;
    names.unshift(...target.split("/"));
  }
  const at = path.join(top, ...trail);
  const [last = entry] = await findEntries(at, 0, signal);
  if (last === undefined) throw new BackupError({ kind: "not-found", doing, found: "there is nothing" });
  return { at, entry: last };
}

/** What `ls` shows: the content of a directory, or the entry itself. */
export async function listInside(
  root: string,
  wanted: string,
  signal: AbortSignal,
): Promise<readonly FileEntry[]> {
  // As ls(1) does it, a link is followed where a slash says so.
  const { at, entry } = await insideClone(root, wanted, { follow: wanted.endsWith("/") }, signal);
  return entry.kind === "directory" ? findEntries(at, 1, signal) : [entry];
}

/**
 * Writes a file's content to a descriptor of ours, byte by byte as it is. Where nobody reads any more, that is
 * success. There is no deadline, since a reader may be slow; the signal ends it.
 */
export async function catInside(
  root: string,
  wanted: string,
  descriptor: number,
  signal: AbortSignal,
): Promise<void> {
  const doing = `read ${wanted} in the snapshot`;
  const { at, entry } = await insideClone(root, wanted, { follow: true }, signal);
  if (entry.kind !== "file") {
    const remedy = entry.kind === "directory" ? "restore ls lists it" : "only files have a content";
    throw new BackupError({ kind: "usage", doing, found: `it is a ${entry.kind}`, remedy });
  }
  const cat = await needProgram("cat");
  const child = spawn(cat, ["--", at], {
    cwd: "/",
    detached: true,
    env: systemEnvironment,
    stdio: ["ignore", descriptor, "pipe"],
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 2_000);
  });
  const closed = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, killed) => {
      const isDone = code === 0 || killed === "SIGPIPE" || /Broken pipe|Connection reset/.test(said);
      resolve(isDone ? undefined : said.trim() === "" ? `cat ended with ${code ?? killed}` : said.trim());
    });
  });
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => {
    abandon(child);
    // It no longer keeps this process, and is given a moment to let go of the disk.
    void within(goingPatience, closed, undefined).then(() => stopped.resolve(undefined));
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const ended = await Promise.race([closed, stopped.promise]);
  signal.removeEventListener("abort", stop);
  if (signal.aborted) throw new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
  if (ended !== undefined) throw new BackupError({ kind: "unexpected", doing, found: ended });
}
