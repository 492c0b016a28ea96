import path from "node:path";
import type { Loaded } from "../config/load.ts";
import { BackupError, interrupted } from "../core/errors.ts";
import { cronScriptPath } from "../core/install/cron-script.ts";
import {
  type DirectoryWhat,
  planUninstall,
  type UninstallFacts,
  type UninstallPlan,
  usualDirectories,
} from "../core/install/uninstall.ts";
import { unitDirectory } from "../core/install/words.ts";
import {
  directoryOrLink,
  doInstallStep,
  foundFiles,
  type InstallPlaces,
  removeDirectory,
  removeIfEmpty,
} from "../host/install-files.ts";
import { ourUnits } from "../host/unit-control.ts";
import { type InstallHost, installPlaces, shippedUnits } from "./install.ts";
import { oneInstall } from "./install-lock.ts";
import { thawAll } from "./leftovers.ts";
import { cacheDirectory, type HostFacts } from "./places.ts";
import { schedulersOf } from "./schedulers-of.ts";
import type { AgentOptions } from "./wish.ts";

type Known = Pick<AgentOptions, "loaded" | "stateDirectory" | "self">;

/** Looks at the host and decides. Changes nothing. */
export async function uninstallPlan(
  purge: boolean,
  host: InstallHost,
  { loaded, stateDirectory }: Known,
): Promise<UninstallPlan> {
  const places = installPlaces(host);
  const units = await ourUnits();
  const names = new Set([...Object.keys(await shippedUnits(host.program)), ...units.map(({ name }) => name)]);
  const paths = [cronScriptPath, ...[...names].map((name) => `${unitDirectory}/${name}`)];
  // systemd.timer(5), Persistent=.
  const timers = [...names].filter((name) => name.endsWith(".timer"));
  const stamps = timers.map((name) => `/var/lib/systemd/timers/stamp-${name}`);
  const alarms = alarmsConfigured(loaded);
  return planUninstall(
    {
      isRoot: host.uid === 0,
      units: units.filter(({ enabled, active }) => enabled || active).map(({ name }) => name),
      schedulers: (await schedulersOf(places.root, "/proc")).schedulers,
      files: await foundFiles(paths, places),
      stamps: Object.keys(await foundFiles(stamps, places)),
      directories: await directoriesHere(host, stateDirectory, places),
      ...(alarms === undefined ? {} : { alarms }),
    },
    purge,
  );
}

/** The directories of the agent that are there: the usual ones, and others where somebody named such. */
export async function directoriesHere(
  host: HostFacts,
  stateDirectory: string,
  { root }: Pick<InstallPlaces, "root">,
): Promise<UninstallFacts["directories"]> {
  const usual = Object.entries(usualDirectories) as [DirectoryWhat, string][];
  const cache = ownCacheDirectory(host);
  const named: [DirectoryWhat, string][] = [
    ...(cache === undefined ? [] : [["cache", cache] as [DirectoryWhat, string]]),
    ["state", path.resolve(stateDirectory)],
  ];
  const elsewhere = named.filter(([, one]) => !usual.some(([, known]) => `${one}/`.startsWith(`${known}/`)));
  const found = await Promise.all(
    [...usual, ...elsewhere].map(async ([what, one]) => {
      const kind = await directoryOrLink(path.join(root, one));
      return kind === undefined ? [] : [{ path: one, what, isLink: kind === "link" }];
    }),
  );
  return found.flat();
}

/** What the launcher keeps in it: systemd may have given the very directory that who runs by hand would make. */
function ownCacheDirectory(host: HostFacts): string | undefined {
  const caches = cacheDirectory(host);
  if (caches === undefined) return undefined;
  return path.basename(caches) === "ec2-backup" ? path.resolve(caches) : path.join(caches, "ec2-backup");
}

function alarmsConfigured(loaded: Loaded): boolean | undefined {
  return loaded.ok === true && loaded.file.config.alarms !== undefined ? true : undefined;
}

/** Does what was planned. @throws BackupError, before anything is removed, where something may still be frozen. */
export async function applyUninstall(
  { steps }: UninstallPlan,
  host: InstallHost,
  { self }: Known,
  signal: AbortSignal,
): Promise<void> {
  const places = installPlaces(host);
  await oneInstall("uninstall", async () => {
    for (const step of steps) {
      if (signal.aborted) throw interrupted("uninstall the rest", "it");
      if (step.do === "thaw") await thawed(self);
      else if (step.do === "remove-directory") await removeDirectory(step.path, places);
      else await doInstallStep(step, places);
    }
    // The units make it, whether anything is logged there or not.
    for (const directory of ["/run/ec2-backup", usualDirectories.logs])
      await removeIfEmpty(directory, places);
  });
}

async function thawed(self: AgentOptions["self"]): Promise<void> {
  const { ledgers } = await thawAll(self, false);
  const frozen = ledgers.filter(({ state }) => state !== "done" && state !== "earlier-boot");
  if (frozen.length === 0) return;
  throw new BackupError({
    kind: "refused",
    doing: "remove what can thaw",
    found: `something may be frozen still: ${frozen.map(({ ledger, state }) => `${ledger} ${state}`).join(", ")}`,
    remedy: "see `ec2-backup thaw`, then repeat this",
  });
}
