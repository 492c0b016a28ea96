import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { BackupError, interrupted } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { findProgram, refuseUntrusted } from "./find-program.ts";
import { systemEnvironment, systemPath } from "./system-path.ts";

/** A restic that is there, may be trusted, and is new enough. */
export interface ResticProgram {
  readonly path: string;
  /** Such as `0.14.0`. */
  readonly version: string;
  /** The second number: restic has not left 0 yet. */
  readonly minor: number;
}

/** Of Debian 12; older ones can neither compress nor copy as we need it. */
const oldest = { minor: 14, text: "0.14" };

/** Milliseconds. */
const patience = 20_000;

const install = "install it: apt-get install restic, dnf install restic, or name its path by restic:";

/**
 * Finds restic, by the configured path or in the PATH of the system, and asks its version. Rejects with a BackupError of
 * kind `configuration` that says what to install. `uid` is the agent's user; absent on Windows.
 */
export async function findRestic(
  configured: string | undefined,
  { uid, env }: { uid: number | undefined; env: Readonly<Record<string, string | undefined>> },
  signal: AbortSignal,
): Promise<ResticProgram> {
  const file =
    uid === undefined
      ? await onWindows(configured, env["PATH"] ?? env["Path"] ?? "")
      : await onUnix(configured, uid, signal);
  const said = await askVersion(file, signal);
  const match = /^restic (\d+)\.(\d+)(\.\d+)?/m.exec(said);
  const doing = `use ${file}`;
  if (match === null) {
    const found = `it does not say which restic it is: ${said.slice(0, 200).trim() || "nothing"}`;
    throw new BackupError({ kind: "configuration", doing, found, remedy: install });
  }
  const [whole, major, minor] = match;
  const version = whole.slice("restic ".length);
  if (Number(major) === 0 && Number(minor) < oldest.minor) {
    const remedy = `install restic ${oldest.text} or later, or name the path of one by restic:`;
    throw new BackupError({ kind: "configuration", doing, found: `restic ${version}`, remedy });
  }
  return { path: file, version, minor: Number(major) > 0 ? 1_000 : Number(minor) };
}

async function onUnix(configured: string | undefined, uid: number, signal: AbortSignal): Promise<string> {
  const file = await findProgram(configured ?? "restic", { path: systemPath }, signal).catch(
    (error: unknown) => {
      if (!(error instanceof BackupError) || error.kind !== "configuration") throw error;
      const { kind, doing, found } = error;
      throw new BackupError({ kind, doing, found, remedy: install }, { cause: error });
    },
  );
  await refuseUntrusted(file, [{ uid, name: "the agent's user" }]);
  return file;
}

async function onWindows(configured: string | undefined, directories: string): Promise<string> {
  const candidates =
    configured === undefined
      ? directories.split(";").flatMap((one) => (one === "" ? [] : [path.join(one, "restic.exe")]))
      : [configured];
  for (const file of candidates) {
    const there = await access(file, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  const found = configured === undefined ? "no restic.exe in the PATH" : "there is no such file";
  const remedy = "install it, and name the path of restic.exe by restic:";
  throw new BackupError({
    kind: "configuration",
    doing: `find the program ${configured ?? "restic"}`,
    found,
    remedy,
  });
}

function askVersion(file: string, signal: AbortSignal): Promise<string> {
  const doing = `ask ${file} for its version`;
  return new Promise((resolve, reject) => {
    const options = { env: systemEnvironment, timeout: patience, killSignal: "SIGKILL" as const, signal };
    const child = execFile(file, ["version"], options, (error, stdout, stderr) => {
      if (signal.aborted) return reject(interrupted(doing));
      if (error === null) return resolve(stdout);
      const why =
        error.killed === true ? `no answer after ${patience / 1000} s` : stderr.trim().slice(0, 300);
      const found = why === "" ? `it cannot be run (${codeOf(error)})` : why;
      reject(new BackupError({ kind: "configuration", doing, found, remedy: install }, { cause: error }));
    });
    child.stdin?.end();
  });
}
