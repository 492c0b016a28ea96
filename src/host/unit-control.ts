import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { BackupError } from "../core/errors.ts";
import { systemEnvironment } from "./system-path.ts";

/** Milliseconds for systemd to start or stop a unit: longer than any TimeoutStopSec of ours. */
const patience = 400_000;

/** Whether systemd is process 1 here: what sd_booted(3) looks at. */
export function systemdRuns(): boolean {
  return existsSync("/run/systemd/system");
}

/** A unit of ours as systemd has it. */
export interface OurUnit {
  readonly name: string;
  readonly enabled: boolean;
  readonly active: boolean;
  /** Whether its file is newer than what systemd has read. */
  readonly stale: boolean;
}

/** All units of our name; none where systemd does not run. */
export async function ourUnits(): Promise<readonly OurUnit[]> {
  if (!systemdRuns()) return [];
  const listed = listedUnits(await ended(["list-unit-files", "--no-legend", "ec2-backup*"]));
  const names = listed.split("\n").flatMap((line) => {
    const [name = ""] = line.trim().split(/\s+/);
    return /\.(service|timer)$/.test(name) && !name.includes("@.") ? [name] : [];
  });
  if (names.length === 0) return [];
  const asked = "--property=Id,UnitFileState,ActiveState,NeedDaemonReload";
  const text = await systemctl("show", asked, "--", ...names);
  return text.split("\n\n").map((block) => {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    return {
      name: value("Id"),
      enabled: /^(enabled|enabled-runtime|linked)$/.test(value("UnitFileState")),
      active: /^(active|activating|reloading)$/.test(value("ActiveState")),
      stale: value("NeedDaemonReload") === "yes",
    };
  });
}

/** How systemctl ended. */
export interface Ended {
  readonly words: readonly string[];
  /** Absent where it did not end by itself, or was not found. */
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Why, if it has no words of its own. */
  readonly message: string;
}

/** What was listed. Where no unit fits, newer ones end with 1 and say nothing. @throws BackupError at any other fault. */
export function listedUnits(listed: Ended): string {
  const none = listed.code === 1 && `${listed.stdout}${listed.stderr}`.trim() === "";
  return none ? "" : succeeded(listed);
}

/** Runs systemctl. @throws BackupError with what it said. */
export async function systemctl(...words: readonly string[]): Promise<string> {
  return succeeded(await ended(words));
}

function succeeded({ words, code, stdout, stderr, message }: Ended): string {
  if (code === 0) return stdout;
  throw new BackupError({
    kind: "refused",
    doing: `systemctl ${words.join(" ")}`,
    found: stderr.trim().split("\n")[0] || message,
    remedy: `its log says why: journalctl -u ${words.at(-1) ?? ""} -e`,
  });
}

function ended(words: readonly string[]): Promise<Ended> {
  const options = { env: systemEnvironment, timeout: patience, maxBuffer: 4 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile("systemctl", ["--no-pager", ...words], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      const message = error?.message ?? "";
      resolve({ words, stdout, stderr, message, ...(typeof code === "number" && { code }) });
    });
  });
}
