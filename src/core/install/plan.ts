import type { Scheduler } from "../schedulers.ts";
import { cronScript, cronScriptPath } from "./cron-script.ts";
import { type Digest, marked } from "./mark.ts";
import { changed, inTheWay, placeObstacles } from "./obstacles.ts";
import { starterConfiguration } from "./starter-configuration.ts";
import { unitFor } from "./unit-text.ts";
import {
  type InstallFacts,
  type InstallKind,
  type InstallPlan,
  type InstallStep,
  type InstallWish,
  type PlannedFile,
  schedulerName,
  unitDirectory,
  unitOf,
} from "./words.ts";

/** Decides what install does on a host. */
export function planInstall(wish: InstallWish, facts: InstallFacts, digest: Digest): InstallPlan {
  const { kind, because } = choose(wish, facts);
  const at = facts.schedulers.filter(isAtWork);
  const others = at.filter(({ name }) => name !== schedulerName(kind));
  const files = filesOf(kind, wish, facts, digest);
  const away = others.map(({ name }) => name);
  const consented = wish.replace || (facts.unfinished?.to === kind && away.length > 0);
  const allowed = new Set(wish.replace ? away : consented ? facts.unfinished?.away : []);
  const obstacles = [
    ...placeObstacles(kind, facts),
    ...files.filter(({ state }) => state === "changed-by-others").map(changed),
    ...others.flatMap((one) => inTheWay(one, allowed.has(one.name), wish, facts, kind)),
  ];
  const steps = obstacles.length > 0 ? [] : stepsOf(kind, files, others, facts);
  const packaged = kind === "cron-daily" ? [] : facts.packaged;
  return { kind, ...(because && { because }), files, steps, obstacles, packaged };
}

function isAtWork({ enabled, active }: Scheduler): boolean {
  return enabled || active;
}

function choose(
  { kind, scheduled }: InstallWish,
  facts: InstallFacts,
): { kind: InstallKind; because?: string } {
  if (kind !== undefined) return { kind };
  const { unfinished, schedulers, systemd } = facts;
  if (unfinished !== undefined)
    return { kind: unfinished.to, because: "an install of it was cut off before its end" };
  const all: readonly InstallKind[] = ["daemon", "timer", "cron-daily"];
  const there = all.find((one) =>
    schedulers.some((scheduler) => scheduler.name === schedulerName(one) && isAtWork(scheduler)),
  );
  if (there !== undefined) return { kind: there, because: "it starts the backups of this host already" };
  if (systemd && scheduled)
    return { kind: "daemon", because: "the configuration says when, and only the daemon goes by that" };
  return systemd
    ? {
        kind: "timer",
        because:
          "systemd runs here: a timer costs no memory between runs, catches up after an outage and shows in list-timers",
      }
    : { kind: "cron-daily", because: "systemd does not run here" };
}

function filesOf(
  kind: InstallKind,
  { overwrite }: InstallWish,
  { units, packaged, files, program, configuration }: InstallFacts,
  digest: Digest,
): PlannedFile[] {
  const planned = (path: string, mode: number, text: string): PlannedFile => {
    const found = files[path];
    if (found === undefined) return { path, mode, text, state: "new" };
    const before = found.text;
    if (before === text) return { path, mode, text, state: "unchanged" };
    const state =
      found.by === "intact" ? "updated" : overwrite ? "overwritten" : ("changed-by-others" as const);
    return { path, mode, text, state, before };
  };
  const own = Object.entries(units).filter(([name]) => !packaged.includes(name));
  const found = files[configuration];
  return [
    // Whatever stands there is the administrator's.
    found === undefined
      ? { path: configuration, mode: 0o600, text: starterConfiguration, state: "new" }
      : { path: configuration, mode: 0o600, text: found.text, state: "unchanged" },
    ...(kind === "cron-daily"
      ? [planned(cronScriptPath, 0o755, marked(cronScript(program), digest))]
      : own.map(([name, text]) =>
          planned(`${unitDirectory}/${name}`, 0o644, marked(unitHead + unitFor(text, program), digest)),
        )),
  ];
}

const unitHead = `# Written by \`ec2-backup install\`, which renews it as long as nobody else has changed it. What you want
# otherwise belongs into a drop-in: systemctl edit NAME
`;

/**
 * The new one is at work before the old one goes, so that a death in between leaves two, which doctor tells and of which
 * the lock lets one run at a time, and never none. What was begun is noted first: the next install ends it.
 */
function stepsOf(
  kind: InstallKind,
  files: readonly PlannedFile[],
  others: readonly Scheduler[],
  { schedulers, stale, unfinished, packaged, files: found }: InstallFacts,
): InstallStep[] {
  const writes = files.filter(({ state }) => state !== "unchanged");
  // Of an install before the package's, and in its way.
  const obsolete = kind === "cron-daily" ? [] : packaged.map((name) => `${unitDirectory}/${name}`);
  const removed = obsolete.filter((path) => found[path]?.by === "intact");
  const changes = [...writes.map(({ path }) => path), ...removed];
  const isSwitch = others.length > 0;
  const switching = { to: kind, away: others.map(({ name }) => name) };
  return [
    ...(isSwitch ? [{ do: "begin-switch" as const, switching }] : []),
    ...writes.map(({ state: _, ...file }) => ({ do: "write" as const, ...file })),
    ...removed.map((path) => removal(path, found)),
    ...(kind === "cron-daily" ? [] : starting(unitOf[kind], changes, schedulers, stale)),
    ...others.map(
      ({ kind: of, name }): InstallStep =>
        of === "cron" ? removal(name, found) : { do: "disable", unit: name },
    ),
    ...(isSwitch || unfinished !== undefined ? [{ do: "end-switch" as const }] : []),
  ];
}

/** Of a file as it was found. */
export function removal(path: string, files: InstallFacts["files"]): InstallStep {
  const before = files[path]?.text;
  return { do: "remove", path, ...(before !== undefined && { before }) };
}

function starting(
  unit: string,
  changes: readonly string[],
  schedulers: readonly Scheduler[],
  stale: readonly string[],
): InstallStep[] {
  const found = schedulers.find(({ name }) => name === unit);
  // One that systemd starts again and again counts as active, and is none that others may give way to.
  const isRunning = found?.enabled === true && found.active && (found.state ?? "active") === "active";
  const units = changes.filter((path) => path.startsWith(`${unitDirectory}/`));
  const renewed = stale.includes(unit) || units.includes(`${unitDirectory}/${unit}`);
  return [
    ...(units.length > 0 || stale.length > 0 ? [{ do: "reload" as const }] : []),
    ...(isRunning ? [] : [{ do: "enable" as const, unit }]),
    ...(isRunning && renewed ? [{ do: "restart" as const, unit }] : []),
  ];
}
