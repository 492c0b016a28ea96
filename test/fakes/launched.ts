import { execFileSync, spawn } from "node:child_process";
import { chmodSync, constants, copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import path from "node:path";

const dist = path.resolve(process.env["EC2_BACKUP_DIST"] ?? path.join(import.meta.dirname, "../../dist"));
const recorder = path.join(import.meta.dirname, "record-scripts.cjs");

/** What a start of the agent came to. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** By chunk: whether code that was kept was used. */
  readonly scripts: Readonly<Record<string, "kept" | "rejected" | "compiled">>;
}

/** Where a start finds what it runs, and what is put before its command. */
export interface Ground {
  readonly node: string;
  readonly dist: string;
  readonly recorder: string;
  readonly under: readonly string[];
}

const own: Ground = { node: process.execPath, dist, recorder, under: [] };

/**
 * A ground on which nobody is root: our own if we are not, else that of the user `nobody`, with copies that
 * it can read wherever the originals lie. Made in `home`, which becomes its own.
 */
export function withoutRoot(home: string): Ground {
  if (process.getuid?.() !== 0) return own;
  const copies = {
    node: path.join(home, "node"),
    dist: path.join(home, "dist"),
    recorder: path.join(home, "recorder.cjs"),
  };
  copyFileSync(own.node, copies.node, constants.COPYFILE_FICLONE);
  copyFileSync(own.recorder, copies.recorder);
  cpSync(own.dist, copies.dist, { recursive: true });
  execFileSync("chown", ["-R", "65534:65534", home]);
  return { ...copies, under: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] };
}

/** Starts the built agent with a state of its own. */
export function launched(
  home: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  wish: Partial<Ground> = {},
): Promise<Ended> {
  const ground = { ...own, ...wish };
  const state = mkdtempSync(path.join(home, "start-"));
  // Whoever it is that starts.
  chmodSync(state, 0o777);
  const list = path.join(state, "scripts.json");
  const program = path.join(ground.dist, "ec2-backup.js");
  const [command = "", ...rest] = [
    ...ground.under,
    ground.node,
    "--require",
    ground.recorder,
    program,
    ...words,
  ];
  const child = spawn(command, rest, {
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      STATE_DIRECTORY: path.join(state, "state"),
      RECORD_SCRIPTS: list,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes) => {
    stderr += bytes;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const scripts = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : {};
      resolve({ code, stdout, stderr, scripts });
    });
  });
}
