import path from "node:path";
import { BackupError, interrupted } from "../core/errors.ts";
import { cronScriptPath } from "../core/install/cron-script.ts";
import { planInstall } from "../core/install/plan.ts";
import {
  type InstallFacts,
  type InstallPlan,
  type InstallStep,
  type InstallWish,
  unitDirectory,
} from "../core/install/words.ts";
import {
  digest,
  doInstallStep,
  foundFiles,
  type InstallPlaces,
  isDirectory,
  packagedUnits,
  unfinishedSwitch,
} from "../host/install-files.ts";
import { programFile, programFiles } from "../host/program-files.ts";
import { programStart } from "../host/program-start.ts";
import { distrustOfProgram } from "../host/program-trust.ts";
import { ourUnits, systemdRuns } from "../host/unit-control.ts";
import { oneInstall } from "./install-lock.ts";
import { configFile, type HostFacts, stateDirectory } from "./places.ts";
import { schedulersOf } from "./schedulers-of.ts";

/** The host that is installed on. */
export interface InstallHost extends HostFacts {
  /** The Node that runs us, and what it was given to run. */
  readonly execPath: string;
  readonly program: string;
}

/** Where things lie on a host. */
export function installPlaces(host: HostFacts): InstallPlaces {
  return { root: "/", stateDirectory: stateDirectory(host) };
}

/** Looks at the host and decides. Changes nothing. */
export async function installPlan(wish: InstallWish, host: InstallHost): Promise<InstallPlan> {
  if (host.platform !== "linux")
    throw new BackupError({
      kind: "usage",
      doing: "install",
      found: `this is ${host.platform}, which has neither systemd nor cron`,
      remedy: "on Windows: ec2-backup install --windows-task",
    });
  return planInstall(wish, await installFacts(host), digest);
}

async function installFacts(host: InstallHost): Promise<InstallFacts> {
  const places = installPlaces(host);
  const units = await shippedUnits(host.program);
  const names = Object.keys(units);
  const configuration = configFile(host);
  const paths = [configuration, cronScriptPath, ...names.map((name) => `${unitDirectory}/${name}`)];
  const [files, packaged, known, here, cronDaily, program, unfinished] = await Promise.all([
    foundFiles(paths, places),
    packagedUnits(names, places),
    ourUnits(),
    schedulersOf(places.root, "/proc"),
    isDirectory(path.join(places.root, path.dirname(cronScriptPath))),
    programStart(host.execPath, host.program),
    unfinishedSwitch(places),
  ]);
  return {
    isRoot: host.uid === 0,
    systemd: systemdRuns(),
    cronDaily,
    schedulers: here.schedulers,
    packaged,
    units,
    stale: known.filter(({ stale }) => stale).map(({ name }) => name),
    files,
    program,
    // Without root nothing is installed anyway.
    distrust: host.uid === 0 ? await distrustOfProgram([...program, host.execPath, host.program]) : [],
    configuration,
    ...(unfinished && { unfinished }),
  };
}

/** The units beside the program, by name; without their drop-ins. */
export async function shippedUnits(program: string): Promise<Readonly<Record<string, string>>> {
  try {
    const names = (await programFiles(program, "systemd")).filter((name) => /\.(service|timer)$/.test(name));
    const texts = await Promise.all(names.map((name) => programFile(program, "systemd", name)));
    return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""]));
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const remedy = "install the agent as a whole again";
    throw new BackupError({ kind: "not-found", doing: "find the units beside the program", found, remedy });
  }
}

/** Does what was planned, in its order; the same plan may be made and done again after any death. */
export async function applyInstall(
  steps: readonly InstallStep[],
  host: HostFacts,
  signal: AbortSignal,
): Promise<void> {
  if (steps.length === 0) return;
  await oneInstall("install", async () => {
    for (const step of steps) {
      if (signal.aborted) throw interrupted("install the rest", "the install");
      await doInstallStep(step, installPlaces(host)).catch((error: unknown) => {
        throw repeatable(error);
      });
    }
  });
}

/** What is done stays done, and what started backups before is still at work: it goes last. */
function repeatable(error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  const { kind, doing, found, remedy, code } = error;
  const again = "what started backups before still does; repeat this install when that is mended";
  return new BackupError(
    {
      kind,
      doing,
      found,
      remedy: remedy === undefined ? again : `${remedy}; ${again}`,
      ...(code && { code }),
    },
    { cause: error },
  );
}
