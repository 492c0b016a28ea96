import os from "node:os";
import process from "node:process";
import type { DaemonHost } from "./agent/daemon.ts";
import type { Command, GlobalOptions } from "./cli/command.ts";
import { type AddWords, asksForHelp, parse } from "./cli/parse.ts";
import { terminal } from "./cli/terminal.ts";
import type { Asked, Context, OpenLog, Result } from "./commands/command.ts";
import { concealer, secretsOf } from "./core/conceal.ts";
import { BackupError, failureOf, sentenceOf } from "./core/errors.ts";
import { harmless } from "./core/harmless.ts";
import { exitCodeOfKind, exitCodes } from "./core/report.ts";
import { version } from "./version.ts";

/** What a command needs is loaded by its own process only: an idle daemon holds nothing of a run. */
const commands: {
  readonly [Name in Command["name"]]: () => Promise<
    (command: Asked<Name>, context: Context) => Promise<Result>
  >;
} = {
  run: async () => (await import("./commands/run.ts")).execute,
  plan: async () => (await import("./commands/run.ts")).execute,
  prune: async () => (await import("./commands/run.ts")).execute,
  forget: async () => (await import("./commands/run.ts")).execute,
  copy: async () => (await import("./commands/run.ts")).execute,
  list: async () => (await import("./commands/list.ts")).execute,
  explain: async () => (await import("./commands/explain.ts")).execute,
  status: async () => (await import("./commands/status.ts")).execute,
  report: async () => (await import("./commands/report.ts")).execute,
  "check-config": async () => (await import("./commands/check-config.ts")).execute,
  alarms: async () => (await import("./commands/alarms.ts")).execute,
  restore: async () => (await import("./commands/restore.ts")).execute,
  directory: async () => (await import("./commands/directory.ts")).execute,
  drill: async () => (await import("./commands/drill.ts")).execute,
  repository: async () => (await import("./commands/repository.ts")).execute,
  sweep: async () => (await import("./commands/sweep.ts")).execute,
  doctor: async () => (await import("./commands/doctor.ts")).execute,
  policy: async () => (await import("./commands/policy.ts")).execute,
  thaw: async () => (await import("./commands/thaw.ts")).execute,
  daemon: async () => (await import("./commands/daemon.ts")).execute,
  install: async () => (await import("./commands/install.ts")).execute,
  uninstall: async () => (await import("./commands/uninstall.ts")).execute,
};

/** Words of commands that others do without. */
const furtherWords: Readonly<Record<string, () => Promise<AddWords>>> = {
  alarms: async () => (await import("./cli/parse-alarms.ts")).addAlarms,
  copy: async () => (await import("./cli/parse-prune.ts")).addCopy,
  directory: async () => (await import("./cli/parse-directory.ts")).addDirectory,
  doctor: async () => (await import("./cli/parse-doctor.ts")).addDoctor,
  drill: async () => (await import("./cli/parse-drill.ts")).addDrill,
  forget: async () => (await import("./cli/parse-prune.ts")).addForget,
  install: async () => (await import("./cli/parse-install.ts")).addInstall,
  policy: async () => (await import("./cli/parse-policy.ts")).addPolicy,
  prune: async () => (await import("./cli/parse-prune.ts")).addPrune,
  report: async () => (await import("./cli/parse-report.ts")).addReport,
  repository: async () => (await import("./cli/parse-repository.ts")).addRepository,
  restore: async () => (await import("./cli/parse-restore.ts")).addRestore,
  sweep: async () => (await import("./cli/parse-sweep.ts")).addSweep,
  uninstall: async () => (await import("./cli/parse-install.ts")).addUninstall,
};

const stop = new AbortController();
/** Aborted by the second signal; only who drains listens. */
const hurry = new AbortController();
let draining = false;
const logs: OpenLog[] = [];
const { hungUp: SIGHUP, interrupted: SIGINT, terminated: SIGTERM } = exitCodes;
const interruptedCodes = { SIGHUP, SIGINT, SIGTERM };
type StopSignal = keyof typeof interruptedCodes;
let stoppedBy: StopSignal | undefined;
let stoppedAt = 0;

let unwritten = false;
let ended = false;
// A process that nothing keeps ends by itself, in the midst of its work and with a code that says that all is well.
process.on("exit", (code) => {
  if (ended || code !== 0) return;
  process.exitCode = exitCodes.internal;
  process.stderr.write(
    "ec2-backup: it ended before its work was done. This is a defect; please report it.\n",
  );
});

void main().finally(() => {
  ended = true;
});

async function main(): Promise<void> {
  // Neither a reader that goes away nor a log that has no room may end a run between capture and report.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE" || unwritten) return;
    unwritten = true;
    process.stderr.write(`ec2-backup: cannot write the output: ${code}\n`);
    process.exitCode ||= exitCodes.cannotWrite;
  });
  const words = process.argv.slice(2);
  const help = asksForHelp(words) ? await import("./cli/help-texts.ts") : undefined;
  const asked = Object.entries(furtherWords).filter(([name]) => words.includes(name));
  const further = await Promise.all(asked.map(async ([name, load]) => [name, await load()] as const));
  const commands = Object.fromEntries(further);
  const invocation = parse(words, version, { commands, ...(help && { help }) });
  if (invocation.kind === "text") {
    process.stdout.write(invocation.text);
    return;
  }
  if (invocation.kind === "usage") {
    const { message: found } = invocation;
    const error = { kind: "usage", doing: "read the command line", found };
    if (process.argv.includes("--json")) writeJson({ exitCode: exitCodes.usage, error });
    process.stderr.write(`ec2-backup: ${forTerminal(found)}\n`);
    process.exitCode = exitCodes.usage;
    return;
  }
  // Also for what the SDK does by itself: version 1 of the metadata service hands out credentials to anyone.
  process.env["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  // The SDK's credentials go by the mode, its client of the metadata by an address alone.
  if (process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] === "IPv6")
    process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ||= "http://[fd00:ec2::254]";
  if (process.env["http_proxy"] || process.env["HTTP_PROXY"])
    (await import("./agent/metadata-direct.ts")).keepMetadataDirect();
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
  await Promise.all(logs.map((log) => log.close()));
  // A connection that a library keeps open must not keep us.
  setTimeout(() => process.exit(), 2_000).unref();
}

/** One document, on a line of its own. */
function writeJson(document: object): void {
  process.stdout.write(`${JSON.stringify({ version: 1, ...document })}\n`);
}

/** Names of files stand in what is told, and these are whatever somebody has called them. */
function forTerminal(text: string): string {
  return text.split("\n").map(harmless).join("\n");
}

function complain(error: unknown, command: Command, global: GlobalOptions): number {
  const failure = failureOf(error, command.name);
  const code = failure.kind === "interrupted" ? interruptedCode() : exitCodeOfKind(failure.kind);
  const conceal = concealer(secretsOf(process.env));
  const { kind, doing, remedy } = failure;
  const found = conceal(failure.found);
  const sentence = conceal(sentenceOf(failure));
  for (const { aside } of logs) aside("error", sentence);
  if (global.json) {
    writeJson({ exitCode: code, error: { kind, doing, found, remedy } });
  } else {
    process.stderr.write(`ec2-backup: ${forTerminal(sentence)}\n`);
  }
  if (!(error instanceof BackupError)) {
    process.stderr.write(
      `${error instanceof Error ? conceal(error.stack ?? "") : ""}\nThis is a defect; please report it.\n`,
    );
    return exitCodes.internal;
  }
  return code;
}

function listenForSignals(): void {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => obey(signal));
}

function obey(signal: StopSignal): void {
  // A terminal that is lost may be told of twice, by its shell and by the kernel; to the daemon it means another thing.
  if (signal === "SIGHUP" && (draining || stoppedBy !== undefined)) return;
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

const interruptedCode = (): number => interruptedCodes[stoppedBy ?? "SIGINT"];

async function execute(command: Command, global: GlobalOptions): Promise<Result> {
  const { platform, env, pid, stderr } = process;
  const kill = (pid: number, signal: NodeJS.Signals | 0) => void process.kill(pid, signal);
  const host = {
    platform,
    env,
    pid,
    stderr,
    kill,
    uid: process.getuid?.(),
    home: os.homedir(),
    node: process.version,
    execPath: process.execPath,
    program: process.argv[1] ?? process.execPath,
    files: files(),
    // Opened by who asks: an input that is read would keep the process.
    terminal: () =>
      process.stdin.isTTY && process.stdout.isTTY
        ? { input: process.stdin, output: process.stdout }
        : undefined,
  };
  const perform = await commands[command.name]();
  // The table pairs each name with its own shape, which the compiler does not follow through the look-up.
  return perform(command as never, {
    global,
    host,
    stop: stop.signal,
    opened: (log) => void logs.push(log),
    interruptedCode,
    stay: () => stay(global),
  });
}

/** What this process is made of and writes to. */
function files(): { path: string; what: string }[] {
  return [
    { path: process.execPath, what: "the Node that runs the agent" },
    { path: process.argv[1] ?? process.execPath, what: "the agent's program" },
    { path: process.cwd(), what: "the agent's working directory" },
    { path: "/proc/self/fd/1", what: "the agent's output" },
    { path: "/proc/self/fd/2", what: "the agent's log" },
  ];
}

function stay({ config, logLevel }: GlobalOptions): DaemonHost {
  draining = true;
  const { env, pid } = process;
  const self = [process.execPath, ...process.execArgv, process.argv[1] ?? ""];
  let reload = (): void => undefined;
  // From the start: before there is a timetable to be read again, the signal would end the process.
  process.on("SIGHUP", () => reload());
  const onReload = (wanted: () => void) => {
    reload = wanted;
  };
  return { self, config, logLevel, env, pid, onReload, hurry: hurry.signal };
}
