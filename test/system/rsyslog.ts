import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { has, isLinux } from "../host/places.ts";

/** Why there is no rsyslog here; absent where there is. In CI that is an error. */
export const rsyslogHindrance = ((): string | undefined => {
  if (!isLinux) return "it needs Linux";
  return has("rsyslogd") && has("logger") ? undefined : "it needs rsyslogd and logger";
})();
if (rsyslogHindrance !== undefined && process.env["CI"] === "true")
  throw new Error(`rsyslog: ${rsyslogHindrance}`);

/** What arrived, as rsyslog understood it. */
export interface Arrived {
  readonly priority: string;
  readonly time: string;
  readonly host: string;
  readonly program: string;
  readonly pid: string;
  readonly text: string;
}

/** A real rsyslog on loopback that can be stopped and started again at the same places. Goes with the test. */
export class Rsyslog {
  readonly port: number;
  readonly socket: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.socket = path.join(folder, "socket");
    const config = `
global(workDirectory="${folder}")
module(load="imudp") input(type="imudp" address="127.0.0.1" port="${port}")
module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="${port}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${this.socket}")
template(name="plain" type="string"
  string="%pri-text%|%timereported:::date-rfc3339%|%hostname%|%programname%|%procid%|%msg%\\n")
action(type="omfile" file="${path.join(folder, "arrived")}" template="plain")
`;
    writeFileSync(path.join(folder, "rsyslog.conf"), config);
    onTestFinished(() => this.kill("SIGKILL"));
  }

  /** Not yet started. */
  static async at(folder: string): Promise<Rsyslog> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    return new Rsyslog(folder, port);
  }

  async start(): Promise<void> {
    const words = ["-n", "-f", path.join(this.#folder, "rsyslog.conf"), "-i", path.join(this.#folder, "pid")];
    const child = spawn("rsyslogd", words, { stdio: ["ignore", "ignore", "inherit"] });
    this.#process = child;
    await until(async () => {
      expect(child.exitCode, "rsyslogd ended").toBe(null);
      return existsSync(this.socket) && (await answers(this.port));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Until it is gone: it takes its socket away late. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  arrived(): Arrived[] {
    const file = path.join(this.#folder, "arrived");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line.includes("|ec2-backup|"))
      .map((line) => {
        const [priority = "", time = "", host = "", program = "", pid = "", ...text] = line.split("|");
        return { priority, time, host, program, pid, text: text.join("|").trim() };
      });
  }

  /** The messages that have arrived, without what is the same in all. */
  texts(): string[] {
    return this.arrived().map(({ text }) => text.replace(/^info: /, ""));
  }

  /** Until a message that begins so has been written down. */
  async has(text: string): Promise<void> {
    await until(
      () => this.texts().some((one) => one.startsWith(text)),
      () => `${text} to arrive, after ${this.texts().join(", ")}`,
    );
  }
}

/** Waits for what must come true; one that does not fails the test. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = "it",
): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > limit)
      expect.fail(`waited in vain for ${typeof what === "string" ? what : what()}`);
    await sleep(20);
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
