import { keptFiles } from "../agent/kept-files.ts";
import { configFile, logPlaces, runtimeDirectory, stateDirectory } from "../agent/places.ts";
import type { AgentOptions } from "../agent/wish.ts";
import type { Command } from "../cli/command.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { formatBytes } from "../cli/terminal.ts";
import { formatFault } from "../config/fault.ts";
import { type Loaded, loadFile } from "../config/load.ts";
import { logOf } from "../config/log-of.ts";
import { resolve } from "../config/resolve.ts";
import { BackupError } from "../core/errors.ts";
import { build, version } from "../version.ts";
import type { Context } from "./command.ts";
import { processLog } from "./process-log.ts";

/** Reads the configuration and makes of it and of the flags what every command needs. */
export async function agentOptions(
  command: Command,
  context: Pick<Context, "global" | "host" | "opened">,
): Promise<AgentOptions> {
  const { global, host } = context;
  const { loaded, unknown } = await load(context, command.name);
  const all = "all" in command && command.all;
  const flags = { all, ...(global.logLevel === undefined ? {} : { logLevel: global.logLevel }) };
  const { settings } = resolve({ tags: {}, flags, ...(loaded.ok === true ? { file: loaded.file } : {}) });
  // Of a faulty file the log is still believed, so that the faults are seen where the log is read.
  const log = loaded.ok === false ? logOf(loaded.log) : settings.log;
  const configured = loaded.ok === false ? loaded.stateDirectory : settings.stateDirectory;
  const quiet = "quiet" in command && command.quiet === true;
  // The bar is for people who wait; who reads JSON reads the end.
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  const state = configured ?? stateDirectory(host);
  const write = besideBar(await processLog(context, log, quiet), bar);
  if (unknown !== undefined) write("warn", `who can write the configuration was not checked: ${unknown}`);
  return {
    version,
    loaded,
    stateDirectory: state,
    self: {
      ...host,
      runtimeDirectory: runtimeDirectory(host, state),
      files: [...host.files, ...logPlaces(log.file)],
    },
    owner: `process ${host.pid}`,
    log: write,
    progress: (percent, point) => {
      if (percent >= 100) bar.end();
      else bar.update(percent, `of ${point.snapshots.length} snapshots`);
    },
    storing: (source, progress) => {
      const { bytesDone: done = 0, bytesTotal: total } = progress;
      if (total === undefined) bar.update(0, `${source}: ${formatBytes(done)}`);
      else if (done < total)
        bar.update((done / total) * 100, `${source}: ${formatBytes(done)} of ${formatBytes(total)}`);
      else bar.end();
    },
    flags,
  };
}

/** A file that was named must be there, which `asFault` tells like any other fault; the usual one may be absent. */
async function load(
  { global, host }: Pick<Context, "global" | "host">,
  command: Command["name"],
): Promise<{ readonly loaded: Loaded; readonly unknown?: string }> {
  const file = global.config ?? configFile(host);
  // These are asked whether the file is good, and look for themselves.
  const judges = command === "check-config" || command === "doctor";
  const loaded = await loadFile(file, { uid: host.uid, kept: judges ? undefined : keptFiles(host, build) });
  if (loaded.absent !== true || global.config === undefined) {
    if (host.platform !== "win32") return { loaded };
    const { judgedOnWindows } = await import("../agent/windows-trust.ts");
    return judgedOnWindows(loaded, file, host.env);
  }
  const fault = { place: file, path: "", expected: "a configuration file", found: "no such file" };
  if (command === "doctor") return { loaded: { ok: false, faults: [fault] } };
  throw new BackupError({
    kind: "configuration",
    doing: "read the configuration",
    found: formatFault(fault),
  });
}
