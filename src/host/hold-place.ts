import type { Stats } from "node:fs";
import { lstat, mkdir, readlink } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { HeldDirectory } from "./held-directory.ts";
import { readMounts } from "./mounts.ts";

/** A place for something that is to be made, in a directory that is held. */
export interface HeldPlace extends AsyncDisposable {
  readonly parent: HeldDirectory;
  readonly name: Buffer;
  /** What is at the place, where that is a directory, which may be a filesystem of its own. */
  readonly top?: HeldDirectory;
  /** Without links on the way, as it was when it was found; for people. */
  readonly path: string;
}

/** As many as the kernel follows. */
const mostLinks = 40;

/**
 * Goes to a place name by name, each looked up in the directory that is held, and makes directories that are
 * missing. A link on the way is followed only where nobody but root and this user can have made it: else whoever
 * owns a directory on the way would decide where on this host this user writes.
 *
 * What this cannot know: which directory the owner of one on the way has put there under a name. It is one that he
 * could move, and no link.
 */
export async function holdPlace(to: string): Promise<HeldPlace> {
  const doing = `restore to ${to}`;
  if (!path.isAbsolute(to))
    throw new BackupError({ kind: "usage", doing, found: "the path is not absolute" });
  const whole = path.resolve(to);
  if (whole === "/")
    throw new BackupError({ kind: "usage", doing, found: "nothing can take the place of /" });
  const trail: { readonly held: HeldDirectory; readonly path: string }[] = [];
  try {
    const { uid } = await lstat("/proc/self");
    const root = { held: await HeldDirectory.open("/"), path: "/" };
    trail.push(root);
    const names = path.dirname(whole).split("/");
    for (let links = 0; names.length > 0; ) {
      const name = names.shift() ?? "";
      const last = trail.at(-1) ?? root;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (last !== root) await trail.pop()?.held[Symbol.asyncDispose]();
        continue;
      }
      const at = path.join(last.path, name);
      const next = await step(last.held, name);
      if (next instanceof HeldDirectory) {
        trail.push({ held: next, path: at });
        await refuseServed(next, at, uid, doing);
        continue;
      }
      if (!isTrusted(await last.held.stats(), next, uid)) throw foreignLink(doing, at);
      const target = await readlink(last.held.pathOf(name));
      if (++links > mostLinks)
        throw new BackupError({ kind: "refused", doing, found: "too many links on the way" });
      if (target.startsWith("/")) await closeAll(trail.splice(1));
      names.unshift(...target.split("/"));
    }
    const end = trail.pop() ?? root;
    const name = path.basename(whole);
    const there = { parent: end.held, name: Buffer.from(name), path: path.join(end.path, name) };
    const top = await end.held.inside(name).catch(() => undefined);
    const close = async (): Promise<void> => {
      await end.held[Symbol.asyncDispose]();
      await top?.[Symbol.asyncDispose]();
    };
    if (top === undefined) return { ...there, [Symbol.asyncDispose]: close };
    await refuseServed(top, there.path, uid, doing).catch((error: unknown) =>
      close().then(() => Promise.reject(error)),
    );
    return { ...there, top, [Symbol.asyncDispose]: close };
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const code = codeOf(error);
    throw new BackupError({ kind: "cannot-write", doing, found: code, code }, { cause: error });
  } finally {
    await closeAll(trail);
  }
}

/** The directory of that name, made if there is none; or the link that is there instead. */
async function step(at: HeldDirectory, name: string): Promise<HeldDirectory | Stats> {
  try {
    return await at.inside(name);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") {
      await mkdir(at.pathOf(name)).catch((failure: unknown) => {
        if (codeOf(failure) !== "EEXIST") throw failure;
      });
      return at.inside(name);
    }
    if (code !== "ENOTDIR" && code !== "ELOOP") throw error;
    const stats = await lstat(at.pathOf(name));
    if (!stats.isSymbolicLink()) throw error;
    return stats;
  }
}

/** What a filesystem says that another user's program serves may be another thing each time that it is asked. */
async function refuseServed(held: HeldDirectory, at: string, own: number, doing: string): Promise<void> {
  const id = await held.mountId();
  const mount = (await readMounts()).find((one) => one.id === id);
  if (mount === undefined || !/^fuse(blk)?(\.|$)/.test(mount.filesystem)) return;
  const by = mount.options.find((one) => one.startsWith("user_id="))?.slice("user_id=".length);
  if (by === undefined || by === "0" || by === String(own)) return;
  const found = `${at} is on a filesystem that a program of uid ${by} serves`;
  throw new BackupError({ kind: "refused", doing, found, remedy: "name another place by --to" });
}

/** Whether others can neither have made the link nor change it; in a sticky directory they cannot rename root's. */
function isTrusted(directory: Stats, link: Stats, own: number): boolean {
  const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === own;
  const { mode, gid } = directory;
  const othersWrite = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
  return isOurs(directory) && (!othersWrite || ((mode & 0o1000) !== 0 && isOurs(link)));
}

function foreignLink(doing: string, at: string): BackupError {
  const found = `${at} is a link, and others than root can change it`;
  return new BackupError({ kind: "refused", doing, found, remedy: "name the place that it leads to" });
}

async function closeAll(trail: readonly { readonly held: HeldDirectory }[]): Promise<void> {
  for (const { held } of trail) await held[Symbol.asyncDispose]();
}
