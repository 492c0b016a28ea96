import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { has } from "../../host/places.ts";

/** A port of loopback on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server's process and those that it started, which a crash takes with it. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  #said = "";

  /** The kernel ends it with the test's process. */
  constructor(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const bound = has("setpriv") ? ["setpriv", "--pdeathsig", "KILL", "--", ...words] : words;
    const [program = "", ...rest] = bound;
    this.#child = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", LANG: "C.UTF-8", ...environment },
      cwd: "/",
    });
    this.#gone = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = `${this.#said}${text}`.slice(-20_000);
      });
  }

  get said(): string {
    return this.#said;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it says something. @throws when it ends before */
  async saying(what: RegExp): Promise<RegExpExecArray> {
    for (const until = performance.now() + 60_000; performance.now() < until; await pause(20)) {
      const found = what.exec(this.#said);
      if (found !== null) return found;
      this.#alive();
    }
    throw new Error(`the server does not say ${what}: ${this.#said}`);
  }

  /** Waits until somebody answers at its port. */
  async listening(port: number): Promise<void> {
    for (const until = performance.now() + 60_000; performance.now() < until; await pause(30)) {
      this.#alive();
      const open = await new Promise<boolean>((resolve) => {
        const socket = createConnection(port, "127.0.0.1", () => resolve(true)).on("error", () =>
          resolve(false),
        );
        socket.once("connect", () => socket.destroy());
      });
      if (open) return;
    }
    throw new Error(`the server does not listen: ${this.#said}`);
  }

  #alive(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(`the server has ended (${exitCode ?? signalCode}): ${this.#said}`);
  }

  /** Ends it and all that it started at once, as a crash of its machine does. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null)
      for (const pid of [...descendants(this.pid), this.pid]) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has ended meanwhile.
        }
      }
    await this.#gone;
  }
}

/** Processes below one, the deepest first. */
function descendants(of: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of process.platform === "linux" ? readdirSync("/proc") : []) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (pid: number): number[] => (parents.get(pid) ?? []).flatMap((one) => [...below(one), one]);
  return below(of);
}
