import { concealer, secretsOf } from "../core/conceal.ts";
import type { DrillCommand } from "../core/drill.ts";
import type { DrillFacts } from "../core/drill-ports.ts";
import type { Failure } from "../core/errors.ts";
import { endLeftBehind } from "../host/process-group.ts";
import { runCommand } from "../host/run-command.ts";
import { systemPath } from "../host/system-path.ts";
import type { CommandHost } from "./command.ts";
import { failureOfEnd } from "./command-failure.ts";
import { prepareCommands } from "./prepare-commands.ts";

/** Bytes of output that are held for a failure. */
const keep = 8 * 1024;

/**
 * Runs a program of the user that looks at what is mounted, under the rules of hooks: nobody but root, the agent's
 * user and the user that it runs as may be able to write it. Whatever it leaves running is ended, since it could keep
 * a disk. Absent if it ended with 0.
 */
export async function checkCommand(
  { run, user, env: configured, timeout }: DrillCommand,
  facts: DrillFacts,
  { uid, kill, grace = 5_000, drain = 250 }: CommandHost,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const name = `command ${run[0] ?? ""}`;
  const config = {
    kind: "command",
    name,
    before: run,
    env: configured,
    timeout,
    onFailure: "abort",
    ...(user === undefined ? {} : { user }),
  } as const;
  const { before: words = [], account, switched } = await prepareCommands(config, uid, signal);
  const env = environmentOf(facts, account, configured);
  const order = { words, env, timeout, ...(switched && account !== undefined ? { account } : {}) };
  const end = await runCommand(order, { uid, kill, grace, drain, keep }, signal);
  if (end.left !== undefined) await endLeftBehind(end.left, grace, kill);
  return failureOfEnd(end, {
    doing: `run ${name}`,
    timeout,
    path: env["PATH"] ?? "",
    conceal: concealer(secretsOf(env)),
  });
}

function environmentOf(
  { run, drill, job, point, instanceId, directory, mounts }: DrillFacts,
  account: { readonly name: string; readonly home: string } | undefined,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    PATH: systemPath,
    LANG: "C.UTF-8",
    SHELL: "/bin/sh",
    HOME: account?.home ?? "/",
    ...(account === undefined ? {} : { USER: account.name, LOGNAME: account.name }),
    ...configured,
    EC2_BACKUP_DRILL: drill,
    EC2_BACKUP_JOB: job,
    EC2_BACKUP_RUN: run,
    EC2_BACKUP_POINT: point,
    EC2_BACKUP_INSTANCE_ID: instanceId,
    EC2_BACKUP_DIRECTORY: directory,
    EC2_BACKUP_MOUNTS: mounts.join(" "),
  };
}
