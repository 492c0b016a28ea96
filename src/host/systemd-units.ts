import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { type Scheduler, startsBackups } from "../core/schedulers.ts";
import { systemEnvironment } from "./system-path.ts";

/** A scheduler of systemd, with the process of its service. */
export type UnitScheduler = Scheduler & { readonly pid?: number };

/** Milliseconds for one question. */
const patience = 10_000;
const asked = ["Id", "ActiveState", "UnitFileState", "ExecStart", "Triggers", "MainPID"] as const;

/**
 * The services and timers of systemd that start backups, whatever their names: every timer is asked what it
 * starts, and every service of our name what it does. None where systemd does not run.
 */
export async function unitSchedulers(): Promise<UnitScheduler[]> {
  // What sd_booted(3) looks at.
  if (!existsSync("/run/systemd/system")) return [];
  const services = await unitsNamed("ec2-backup*.service");
  const timers = await unitsNamed("*.timer");
  const units = await show([...services, ...timers]);
  const started = await show(units.flatMap(({ Triggers }) => words(Triggers)));
  const runs = new Set(started.filter(({ ExecStart = "" }) => startsBackups(ExecStart)).map(({ Id }) => Id));
  return units.flatMap((unit) => {
    const isTimer = unit.Id?.endsWith(".timer") === true;
    const starts = isTimer
      ? words(unit.Triggers).some((name) => runs.has(name))
      : / daemon\b/.test(unit.ExecStart ?? "") && startsBackups(unit.ExecStart ?? "");
    return starts ? [schedulerOf(unit, isTimer)] : [];
  });
}

type Unit = Readonly<Partial<Record<(typeof asked)[number], string>>>;

function schedulerOf(unit: Unit, isTimer: boolean): UnitScheduler {
  const pid = Number(unit.MainPID ?? 0);
  return {
    kind: isTimer ? "timer" : "service",
    name: unit.Id ?? "",
    enabled: /^(enabled|enabled-runtime|generated|linked)$/.test(unit.UnitFileState ?? ""),
    active: /^(active|activating|reloading)$/.test(unit.ActiveState ?? ""),
    ...(unit.ActiveState === undefined ? {} : { state: unit.ActiveState }),
    ...(pid > 0 ? { pid } : {}),
  };
}

function words(text = ""): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

async function unitsNamed(pattern: string): Promise<string[]> {
  const text = await systemctl("list-unit-files", "--no-legend", pattern);
  // A template has no name of its own to ask by.
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((name) => name !== "" && !name.includes("@."));
}

async function show(names: readonly string[]): Promise<Unit[]> {
  const unique = [...new Set(names)];
  if (unique.length === 0) return [];
  const text = await systemctl("show", `--property=${asked.join(",")}`, "--", ...unique);
  return text.split("\n\n").map((block) => {
    const pairs = block.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
    return Object.fromEntries(pairs) as Unit;
  });
}

/** What systemctl prints; that nothing matches a pattern is said by its exit code and is no failure. */
function systemctl(...args: readonly string[]): Promise<string> {
  const options = { env: systemEnvironment, timeout: patience, maxBuffer: 4 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile("systemctl", ["--no-pager", ...args], options, (error, stdout, stderr) => {
      if (error !== null && (typeof error.code !== "number" || stderr.trim() !== ""))
        reject(new Error(`systemctl ${args[0]}: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
  });
}
