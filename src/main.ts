import os from "node:os";
import process from "node:process";
import { checkConfiguration } from "./agent/configuration.ts";
import { explain, forgettable, points } from "./agent/inquiries.ts";
import { perform } from "./agent/perform.ts";
import { configFile, type HostFacts, stateDirectory } from "./agent/places.ts";
import { status } from "./agent/status.ts";
import { type AgentOptions, type Outcome, wishOf } from "./agent/wish.ts";
import { printChecked } from "./cli/check-config.ts";
import type { Command, GlobalOptions } from "./cli/command.ts";
import { printExplanation } from "./cli/explain.ts";
import { forgotten } from "./cli/forget.ts";
import { pointJson, printPoints } from "./cli/list.ts";
import { parse } from "./cli/parse.ts";
import { progressBar } from "./cli/progress.ts";
import { printReports } from "./cli/run.ts";
import { printStatus } from "./cli/status.ts";
import { type Terminal, terminal } from "./cli/terminal.ts";
import { formatFault } from "./config/fault.ts";
import { type Loaded, loadFile } from "./config/load.ts";
import { resolve } from "./config/resolve.ts";
import { BackupError, failureOf, sentenceOf } from "./core/errors.ts";
import { exitCodeOf, exitCodeOfKind, exitCodes } from "./core/report.ts";
import { chooseFormat, createLog } from "./log.ts";
import { version } from "./version.ts";

/** What a command prints and returns. */
interface Result {
  readonly code: number;
  readonly json: object;
  /** What is printed is a document of its own already, such as a schema. */
  readonly whole?: boolean;
  readonly print: (out: Terminal) => void;
}

const stop = new AbortController();
/** Aborted by the second signal; only who drains listens. */
const hurry = new AbortController();
let draining = false;
let stoppedBy: "SIGINT" | "SIGTERM" | undefined;
let stoppedAt = 0;

void main();

async function main(): Promise<void> {
  // A reader that goes away must not end a run between capture and report.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const invocation = parse(process.argv.slice(2), version);
  if (invocation.kind === "text") {
    process.stdout.write(invocation.text);
    return;
  }
  if (invocation.kind === "usage") {
    const { message: found } = invocation;
    const error = { kind: "usage", doing: "read the command line", found };
    if (process.argv.includes("--json")) writeJson({ exitCode: exitCodes.usage, error });
    process.stderr.write(`ec2-backup: ${found}\n`);
    process.exitCode = exitCodes.usage;
    return;
  }
  // Also for what the SDK does by itself: version 1 of the metadata service hands out credentials to anyone.
  process.env["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  listenForSignals();
  const { command, global } = invocation;
  const out = terminal(process.stdout, global.color && process.env["NO_COLOR"] === undefined);
  let code: number;
  try {
    const result = await execute(command, global);
    code = result.code;
    if (global.json && result.whole !== true) writeJson({ exitCode: code, ...result.json });
    else result.print(out);
  } catch (error) {
    code = complain(error, command, global);
  }
  process.exitCode = code;
  // A connection that a library keeps open must not keep us.
  setTimeout(() => process.exit(), 2_000).unref();
}

/** One document, on a line of its own. */
function writeJson(document: object): void {
  process.stdout.write(`${JSON.stringify({ version: 1, ...document })}\n`);
}

function complain(error: unknown, command: Command, global: GlobalOptions): number {
  const failure = failureOf(error, command.name);
  const code = failure.kind === "interrupted" ? interruptedCode() : exitCodeOfKind(failure.kind);
  const { kind, doing, found, remedy } = failure;
  if (global.json) {
    writeJson({ exitCode: code, error: { kind, doing, found, remedy } });
  } else {
    process.stderr.write(`ec2-backup: ${sentenceOf(failure)}\n`);
  }
  if (!(error instanceof BackupError)) {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? "") : ""}\nThis is a defect; please report it.\n`,
    );
    return exitCodes.internal;
  }
  return code;
}

function listenForSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => obey(signal));
}

function obey(signal: "SIGINT" | "SIGTERM"): void {
  if (stoppedBy === undefined) {
    stoppedBy = signal;
    stoppedAt = performance.now();
    stop.abort();
    return;
  }
  if (draining && !hurry.signal.aborted) {
    hurry.abort();
    return;
  }
  // A service manager and a daemon that both pass on the same wish are not in a hurry.
  if (performance.now() - stoppedAt > 1_000) process.exit(interruptedCode());
}

function interruptedCode(): number {
  return stoppedBy === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
}

async function execute(command: Command, global: GlobalOptions): Promise<Result> {
  const options = await agentOptions(command, global);
  switch (command.name) {
    case "run":
      return reported(
        await perform(wishOf(command, { capture: true, planned: command.dryRun }), options, stop.signal),
      );
    case "plan":
      return reported(await perform(wishOf(command, { capture: true, planned: true }), options, stop.signal));
    case "prune": {
      const consent = command.yes ? { yes: true, noShrinkDelay: true } : {};
      return reported(
        await perform(wishOf(command, { planned: command.dryRun, consent }), options, stop.signal),
      );
    }
    case "forget": {
      const jobs = await forgettable(command.volume, options, stop.signal);
      const consent = { yes: true, forget: new Set([command.volume]) };
      const planned = command.dryRun || !command.yes;
      const outcome = await perform(wishOf({ jobs }, { planned, consent }), options, stop.signal);
      const message = outcome.message ?? forgotten(outcome.reports, command.volume, planned);
      return reported({ ...outcome, message });
    }
    case "list": {
      const found = await points(command.jobs, options, stop.signal);
      const json = { points: found.map(pointJson) };
      return { code: exitCodes.done, json, print: (out) => printPoints(found, command.jobs, out) };
    }
    case "explain": {
      const found = await explain(command.snapshot, options, stop.signal);
      const json = { ...found, point: pointJson(found.point) };
      return { code: exitCodes.done, json, print: (out) => printExplanation(found, out) };
    }
    case "status": {
      const found = await status(options.stateDirectory, stop.signal);
      return { code: exitCodes.done, json: found, print: (out) => printStatus(found, new Date(), out) };
    }
    case "check-config":
      return command.schema ? await schema() : await checked(options);
    case "daemon": {
      const { runDaemon } = await import("./agent/daemon.ts");
      const self = [process.execPath, ...process.execArgv, process.argv[1] ?? ""];
      const { env, pid } = process;
      draining = true;
      const host = { self, config: global.config, env, pid, onReload, hurry: hurry.signal };
      await runDaemon(options, host, stop.signal);
      return { code: exitCodes.done, json: {}, print: () => undefined };
    }
  }
}

function onReload(reload: () => void): void {
  process.on("SIGHUP", reload);
}

async function checked(options: AgentOptions): Promise<Result> {
  const found = await checkConfiguration(options, stop.signal);
  const code = found.ok ? exitCodes.done : exitCodes.configuration;
  return { code, json: found, print: (out) => printChecked(found, out) };
}

async function schema(): Promise<Result> {
  const { jsonSchema } = await import("./config/json-schema.ts");
  const json = jsonSchema();
  return {
    code: exitCodes.done,
    json,
    whole: true,
    print: (out) => out.print(JSON.stringify(json, null, 2)),
  };
}

function reported({ reports, message }: Outcome): Result {
  // Neither a report nor a sentence: that would be success without a word.
  const nothing = reports.length === 0 && message === undefined;
  const cut = reports.some((report) => report.problems.some((problem) => problem.kind === "interrupted"));
  return {
    code: cut ? interruptedCode() : nothing ? exitCodes.internal : exitCodeOf(reports),
    json: { reports, ...(message === undefined ? {} : { message }) },
    print: (out) => {
      printReports(reports, out);
      if (message !== undefined) out.print(message);
    },
  };
}

async function agentOptions(command: Command, global: GlobalOptions): Promise<AgentOptions> {
  const uid = process.getuid?.();
  const host = { platform: process.platform, env: process.env, uid, home: os.homedir() };
  const loaded = await load(global, host);
  const all = "all" in command && command.all;
  const flags = { all, ...(global.logLevel === undefined ? {} : { logLevel: global.logLevel }) };
  const { settings } = resolve({ tags: {}, flags, ...(loaded.ok === true ? { file: loaded.file } : {}) });
  const configured = loaded.ok === false ? loaded.stateDirectory : settings.stateDirectory;
  const bar = progressBar(process.stderr);
  return {
    version,
    loaded,
    stateDirectory: configured ?? stateDirectory(host),
    owner: `process ${process.pid}`,
    log: createLog({
      level: global.logLevel ?? settings.log.level,
      format: chooseFormat(settings.log.format, process.env),
      color: global.color && process.stderr.isTTY === true && process.env["NO_COLOR"] === undefined,
    }),
    progress: (percent, point) => {
      if (percent >= 100) bar.end();
      else bar.update(percent, `of ${point.snapshots.length} snapshots`);
    },
    flags,
  };
}

/** A file that was named must be there; the usual one may be absent. */
async function load(global: GlobalOptions, host: HostFacts): Promise<Loaded> {
  const file = global.config ?? configFile(host);
  const loaded = await loadFile(file, { uid: host.uid });
  if (loaded.absent !== true || global.config === undefined) return loaded;
  const fault = { place: file, path: "", expected: "a configuration file", found: "no such file" };
  throw new BackupError({
    kind: "configuration",
    doing: "read the configuration",
    found: formatFault(fault),
  });
}
