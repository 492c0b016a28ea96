import { execFile, spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
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
const execute = promisify(execFile);

type Run = (words: readonly string[], env: NodeJS.ProcessEnv) => Promise<string>;

/** The very CLI that is there, loaded once by a Python that has it; else a start of it for each command. */
function loadedOnce(): Run {
  const version = "version" in cli ? /aws-cli\/([\d.]+)/.exec(cli.version)?.[1] : undefined;
  const has = `import awscli, os, sys; sys.exit(awscli.__version__ != "${version}" or not hasattr(os, "fork"))`;
  const python = ["python3", "/usr/bin/python3"].find((one) => spawnSync(one, ["-c", has]).status === 0);
  if (python === undefined) {
    return async (words, env) => (await execute("aws", [...words], { env })).stdout;
  }
  const program = path.join(import.meta.dirname, "aws_commands.py");
  const child = spawn(python, [program], { env: withoutAws(), stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.unref();
  let last: Promise<unknown> = lines.next();
  return (words, env) => {
    const ended = last.then(async () => {
      child.stdin.write(`${JSON.stringify({ words, env })}\n`);
      const { value } = await lines.next();
      return JSON.parse(value) as { readonly code: number; readonly stdout: string; readonly stderr: string };
    });
    last = ended.catch(() => undefined);
    return ended.then(({ code, stdout, stderr }) => {
      if (code === 0) return stdout;
      throw Object.assign(new Error(`Command failed: aws ${words.join(" ")}\n${stderr}`), { code, stderr });
    });
  };
}

let run: Run | undefined;

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
  run ??= loadedOnce();
  const stdout = await run(given, {
    ...withoutAws(),
    AWS_PAGER: "",
    AWS_MAX_ATTEMPTS: "1",
    ...(environment ?? credentials),
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
