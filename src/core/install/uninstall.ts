import type { Scheduler } from "../schedulers.ts";
import { cronScriptPath } from "./cron-script.ts";
import { removal } from "./plan.ts";
import { type FoundFile, type InstallStep, unitDirectory } from "./words.ts";

/** What of this host decides what uninstall does. */
export interface UninstallFacts {
  readonly isRoot: boolean;
  /** Our units that are enabled or at work, also those that start no backups. */
  readonly units: readonly string[];
  /** What starts backups. */
  readonly schedulers: readonly Scheduler[];
  /** The files that install may have written. */
  readonly files: Readonly<Record<string, FoundFile>>;
  /** Where systemd remembers when timers of ours were last due. */
  readonly stamps: readonly string[];
  /** Of the directories below, those that are there. */
  readonly directories: readonly OurDirectory[];
  /** Whether alarms are configured; absent where the configuration cannot tell. */
  readonly alarms?: boolean;
}

export type DirectoryWhat = "configuration" | "state" | "cache" | "logs";

/** A directory that the agent keeps things in. */
interface OurDirectory {
  readonly path: string;
  readonly what: DirectoryWhat;
  /** Whether a link stands there. */
  readonly isLink: boolean;
}

/** What belongs to nobody else by its name, and so may go with all that is in it. */
export const usualDirectories: Readonly<Record<DirectoryWhat, string>> = {
  cache: "/var/cache/ec2-backup",
  configuration: "/etc/ec2-backup",
  state: "/var/lib/ec2-backup",
  logs: "/var/log/ec2-backup",
};

/** What install does, and more. */
export type UninstallStep =
  | InstallStep
  /** What killed runs have left frozen. */
  | { readonly do: "thaw" }
  | { readonly do: "remove-directory"; readonly path: string };

export interface UninstallPlan {
  readonly steps: readonly UninstallStep[];
  /** What stays, and why. */
  readonly left: readonly { readonly path: string; readonly because: string }[];
  /** What has to be known before. */
  readonly warnings: readonly { readonly what: string; readonly command?: string }[];
}

/** Decides what uninstall does. `purge`: configuration and state go as well; recovery points never. */
export function planUninstall(facts: UninstallFacts, purge: boolean): UninstallPlan {
  const { units, files, directories } = facts;
  const entries = Object.entries(files);
  const ours = entries.filter(([, { by }]) => by === "intact").map(([path]) => path);
  const going = directories.filter((one) => (purge || one.what === "cache") && isOurs(one));
  // Timers first, or one could start its service again.
  const stopped = [...units].sort((a, b) => Number(b.endsWith(".timer")) - Number(a.endsWith(".timer")));
  return {
    steps: [
      ...ours.filter((path) => path === cronScriptPath).map((path) => removal(path, files)),
      ...stopped.map((unit) => ({ do: "disable" as const, unit })),
      { do: "thaw" },
      ...ours.filter((path) => path !== cronScriptPath).map((path) => removal(path, files)),
      ...(ours.some((path) => path.startsWith(unitDirectory)) ? [{ do: "reload" as const }] : []),
      ...facts.stamps.map((path) => ({ do: "remove" as const, path })),
      { do: "end-switch" },
      ...going.map(({ path }) => ({ do: "remove-directory" as const, path })),
    ],
    left: [
      ...entries
        .filter(([, { by }]) => by !== "intact")
        .map(([path, { by }]) => ({ path, because: whose(by) })),
      ...facts.schedulers.filter(isForeign).map(({ name }) => ({
        path: name,
        because: "it starts backups, and install did not make it: it will fail once the program is gone",
      })),
      ...directories
        .filter((one) => !going.includes(one))
        .map((one) => ({ path: one.path, because: `${one.what}: ${whyKept(one)}` })),
    ],
    warnings: warningsOf(facts),
  };
}

/** In a directory that somebody named there may be anything; so there may be behind a link. */
function isOurs({ path, what, isLink }: OurDirectory): boolean {
  return !isLink && path === usualDirectories[what];
}

function whyKept(one: OurDirectory): string {
  if (isOurs(one)) return "--purge removes it too";
  return one.isLink
    ? "it is a link, which nothing is removed by: remove it by hand"
    : "it is elsewhere than usual, maybe beside what is not the agent's: remove it by hand";
}

function whose(by: FoundFile["by"]): string {
  return by === "changed" ? "somebody has changed it since install wrote it" : "install did not write it";
}

/** Our own units are stopped, and our script is a file of ours. */
function isForeign({ kind, name, enabled, active }: Scheduler): boolean {
  if (kind === "cron") return name !== cronScriptPath;
  return (enabled || active) && !name.startsWith("ec2-backup");
}

function warningsOf({ alarms }: UninstallFacts): UninstallPlan["warnings"] {
  const alarm =
    "the alarm for missed backups stays in CloudWatch, and goes off as no backup comes any more; to remove the alarms, as long as the program is there:";
  return [
    {
      what: "from now on nothing backs this host up; its recovery points stay, and nothing thins them",
    },
    ...(alarms === false
      ? []
      : [
          {
            what: alarms === undefined ? `if alarms were made: ${alarm}` : alarm,
            command: "ec2-backup alarms remove",
          },
        ]),
  ];
}
