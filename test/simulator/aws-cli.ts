import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { keys, type Simulation } from "./simulate.ts";

/** The AWS CLI that is there, or why there is none. */
function findCli(): { version: string } | { reason: string } {
  const found = spawnSync("aws", ["--version"], { encoding: "utf8" });
  if (found.error) return { reason: `there is no aws command: ${found.error.message}` };
  if (found.status !== 0) return { reason: `aws --version fails: ${found.stderr.trim()}` };
  // Version 1.16 wrote it to stderr.
  return { version: `${found.stdout}${found.stderr}`.trim() };
}

/** The AWS CLI, and why it is missing. */
export const cli = findCli();
export const missing = "reason" in cli ? cli.reason : undefined;
const run = promisify(execFile);

/** Answers of the AWS CLI, as JSON; with long-lived keys unless `environment` says otherwise. */
export async function aws(
  { simulator }: Simulation,
  command: string | string[],
  environment?: Record<string, string>,
): Promise<never> {
  const given = [
    ...(typeof command === "string" ? command.trim().split(/\s+/) : command),
    "--endpoint-url",
    simulator.url,
    "--region",
    "eu-central-1",
    "--output",
    "json",
  ];
  const credentials = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  const { stdout } = await run("aws", given, {
    env: { ...withoutAws(), AWS_PAGER: "", AWS_MAX_ATTEMPTS: "1", ...(environment ?? credentials) },
  });
  return (stdout.trim() === "" ? undefined : JSON.parse(stdout)) as never;
}

function withoutAws(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
}
