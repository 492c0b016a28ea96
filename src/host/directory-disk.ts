import { rm } from "node:fs/promises";
import type { DirectoryOrder } from "../core/directory.ts";
import type { DirectoryRestore, DiskHost } from "../core/directory-ports.ts";
import {
  archiveScript,
  type DiskPlace,
  extractScript,
  fetchScript,
  here,
  lookScript,
  mirrorScript,
} from "../core/directory-scripts.ts";
import { settleScript } from "../core/directory-settle.ts";
import { archived, broughtBack, holdsOf, leftInStage, mirrored, settled } from "../core/directory-verdict.ts";
import { BackupError } from "../core/errors.ts";
import { type HostRoots, hostRoots } from "./block-devices.ts";
import { bringingStage } from "./directory-reader.ts";
import { runScript, type ShellGround } from "./directory-shell.ts";
import { diskOfVolume } from "./disk-of-volume.ts";

/** Where the data goes through. */
export interface DiskGround {
  readonly shell: ShellGround;
  /** A private directory of ours on this host. */
  readonly work: string;
  /** Where the disk's filesystem is mounted, on the host that has it. */
  readonly mount: string;
  readonly place: DiskPlace;
}

/** What a host does with its disk is the same wherever it is: scripts, run here, that reach there. */
export function diskWork(
  { shell, work, mount, place }: DiskGround,
  ownMounts: boolean,
): Pick<DiskHost, "look" | "archive" | "mirror" | "bringBack"> {
  const run = (script: string, doing: string, signal: AbortSignal, own = false) =>
    runScript(script, { doing, ownMounts: own && ownMounts }, shell, signal);
  return {
    async look(disk, signal) {
      const script = `exec 3<&-\n${place.run(lookScript(disk))} </dev/null`;
      return holdsOf(disk, await run(script, `look at ${disk}`, signal));
    },
    async archive(disk: string, order: DirectoryOrder, signal) {
      shell.phase(`archiving ${order.directory}`);
      const script = archiveScript(order, disk, place, work);
      return archived(order, await run(script, `archive ${order.directory}`, signal));
    },
    async mirror(disk, order, fresh, signal) {
      shell.phase(`copying ${order.directory}`);
      const made = fresh && { filesystem: order.filesystem, ...fresh };
      const script = mirrorScript(order, disk, made, place, { work, mount });
      return mirrored(order.directory, await run(script, `copy ${order.directory}`, signal, true));
    },
    async bringBack(disk: string, wish: DirectoryRestore, signal) {
      const doing = `bring a directory back to ${wish.to}`;
      shell.phase(doing.replace(/^bring/, "bringing"));
      const stage = await bringingStage(wish.to);
      const into = { ...wish, to: stage };
      const script =
        wish.method === "dd"
          ? extractScript(into, disk, place)
          : fetchScript(into, disk, place, { work, mount });
      try {
        const verdict = broughtBack(wish, await run(script, doing, signal, true), stage);
        // Whoever wants us to stop now wants no half of it in place.
        settled(wish, await run(settleScript(stage, wish.to), doing, new AbortController().signal), stage);
        return verdict;
      } catch (error) {
        const isKept = error instanceof BackupError && error.code === leftInStage;
        if (!isKept) await rm(stage, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      }
    },
  };
}

/** Milliseconds for the disk of an attached volume to be there. */
const diskFor = 120_000;

/** This host has the disk. */
export function localDisks(
  instance: string,
  ground: { readonly shell: ShellGround; readonly work: string },
  taken: DiskHost["taken"],
  some: Partial<HostRoots> = {},
): DiskHost {
  const roots = { ...hostRoots, ...some };
  return {
    instance,
    taken,
    diskOf: (volume, signal) => diskOfVolume(volume, diskFor, roots, signal),
    ...diskWork({ ...ground, mount: `${ground.work}/mounted`, place: here }, true),
  };
}
