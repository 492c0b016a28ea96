import { isWithin } from "./mount-table.ts";

/** A path that is not frozen, and why, with what to do where there is something to be done. */
export interface Refusal {
  readonly path: string;
  /** A clause that goes on after the path: "is the root filesystem: ...". */
  readonly because: string;
}

const leaveOut = "leave it out of freeze.mounts";

/** The reason without what to do about it, where no list of mounts could be changed. */
export function reasonAlone(because: string): string {
  const advice = because.search(/[;,] (?:or )?leave it out of freeze\.mounts/);
  return advice < 0 ? because : because.slice(0, advice);
}

/** Directories that the system itself lives on; a filesystem of its own below `/var`, say, is another matter. */
const systemDirectories: ReadonlySet<string> = new Set(["/usr", "/var", "/tmp"]);

/** Why a mount point is never frozen, whatever is mounted there. */
export function protectedPath(path: string): string | undefined {
  if (path === "/") {
    return `is the root filesystem: once it is frozen, nothing can be started to thaw it; ${leaveOut}, its volume is captured all the same`;
  }
  if (isWithin(path, "/boot")) {
    return `belongs to booting, and nothing there needs to be held still; ${leaveOut}, its volume is captured all the same`;
  }
  if (systemDirectories.has(path)) {
    return `is a directory that the system itself writes to or runs from, and what waits there could not thaw it; ${leaveOut}, or give the data below it a filesystem of its own`;
  }
  return undefined;
}

/** What is wrong with a list of mount points on any machine, in the order of the list. */
export function refusalsOfPaths(paths: readonly string[]): Refusal[] {
  return paths.flatMap((path, index) => {
    const because = paths.indexOf(path) < index ? "is named twice; name it once" : refusalOfPath(path);
    return because === undefined ? [] : [{ path, because }];
  });
}

function refusalOfPath(path: string): string | undefined {
  if (/^\[?swap\]?$/i.test(path)) return `is no filesystem: swap cannot be frozen; ${leaveOut}`;
  if (!path.startsWith("/"))
    return "is no absolute path; name the mount point as /proc/self/mountinfo shows it";
  const normal = normalised(path);
  return path === normal ? protectedPath(path) : `is not written plainly; write ${normal}`;
}

function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
