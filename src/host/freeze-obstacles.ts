import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Occupied } from "../core/freeze-verdict.ts";
import { isFar } from "../core/map-mounts.ts";
import { holderOf, type MountEntry } from "../core/mount-table.ts";
import { entryOf, readMounts } from "./mounts.ts";
import { within } from "./within.ts";

/**
 * The filesystems that the given paths are on. One that is not there yet counts where it would be made. What
 * is on an overlay is on the filesystems of its writable layers as well. What does not
 * answer is told by its mount.
 */
export async function occupied(
  paths: readonly { readonly path: string; readonly what: string }[],
): Promise<Occupied[]> {
  const entries = await readMounts();
  const far = entries.some(isFar) ? await import("./silent-mounts.ts") : undefined;
  const found = await Promise.all(
    paths.map(async (one) => {
      const entry = (await far?.silenceAt(one.path, entries))?.to ?? (await entryOf(one.path, entries));
      if (entry === undefined) return [];
      return superblocksBelow(entry, entries).map((superblock) => ({ superblock, what: one.what }));
    }),
  );
  return found.flat();
}

function superblocksBelow(entry: MountEntry, entries: readonly MountEntry[]): string[] {
  const passed = new Set([entry]);
  // The layers of an overlay may be on an overlay; a Set visits what is added while it is visited.
  for (const one of passed) {
    if (one.filesystem !== "overlay") continue;
    for (const option of one.options) {
      const layer = /^(?:upperdir|workdir)=(.+)$/.exec(option)?.[1];
      const holder = layer === undefined ? undefined : holderOf(layer, entries);
      if (holder !== undefined) passed.add(holder);
    }
  }
  return [...new Set([...passed].map((one) => one.superblock))];
}

const sleepServices = ["suspend", "hibernate", "hybrid-sleep", "suspend-then-hibernate"];
/** Programs that send a machine to sleep where systemd does not. */
const sleepPrograms: ReadonlySet<string> = new Set([
  "systemd-sleep",
  "pm-suspend",
  "pm-hibernate",
  "s2disk",
  "s2ram",
]);

export interface SleepRoots {
  readonly sys: string;
  readonly proc: string;
  /** Milliseconds after which not knowing is the answer. */
  readonly deadline: number;
}

/**
 * Tells what sends this machine to sleep just now; absent if nothing does, as far as can be seen.
 *
 * The kernel has no file that says so: what is seen is systemd's service at work (its control group), the
 * programs that do it elsewhere, user slices that are frozen for it, and the kernel's autosleep. A sleep that
 * logind still delays for an inhibitor (5 s at most by default) is not seen, so that what is frozen must be
 * thawed by a deadline whatever this says. EC2's hibernation comes through the same service. Starts no
 * process, reads only files of the kernel, and answers by the deadline.
 */
export async function suspendPending(roots: Partial<SleepRoots> = {}): Promise<string | undefined> {
  const { sys, proc, deadline } = { sys: "/sys", proc: "/proc", deadline: 3_000, ...roots };
  const late = "the kernel does not say in time whether the machine is going to sleep";
  return within(deadline, signsOfSleep(sys, proc), late);
}

async function signsOfSleep(sys: string, proc: string): Promise<string | undefined> {
  const autosleep = await line(path.join(sys, "power", "autosleep"));
  if (autosleep !== undefined && autosleep !== "off") return `the kernel's autosleep is set to ${autosleep}`;
  const groups = ["", "systemd", "unified"].map((hierarchy) => path.join(sys, "fs", "cgroup", hierarchy));
  for (const group of groups) {
    for (const service of sleepServices.map((name) => `systemd-${name}.service`)) {
      if (await exists(path.join(group, "system.slice", service))) return `${service} is at work`;
    }
    if ((await line(path.join(group, "user.slice", "cgroup.freeze"))) === "1") {
      return "the users' processes are frozen, as systemd does before a sleep";
    }
  }
  const names = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const programs = await Promise.all(names.map((name) => line(path.join(proc, name, "comm"))));
  const program = programs.find((name) => name !== undefined && sleepPrograms.has(name));
  return program === undefined ? undefined : `${program} is at work`;
}

async function line(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text?.trim();
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
