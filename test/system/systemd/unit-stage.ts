import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { Call } from "../../../src/simulator/call-log.ts";
import type { Fault } from "../../../src/simulator/faults.ts";
import type { World } from "../../../src/simulator/world.ts";
import { node } from "../../host/places.ts";
import { type BenchDisk, BlockBench } from "../block-bench.ts";
import type { Context } from "../freeze-lab.ts";
import { bootSystemd, type Machine } from "./boot.ts";
import { lookUntil } from "./look-until.ts";

const source = path.join(import.meta.dirname, "..", "..", "..");

/** An AWS that only the machine can reach. */
interface Aws {
  readonly environment: Readonly<Record<string, string>>;
  ask(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown>;
}

/** A machine on which the units are installed as they are shipped, with a data disk at /data and an AWS of its own. */
export class UnitStage {
  readonly machine: Machine;
  readonly disk: BenchDisk;
  /** A directory of ours that the machine has as /shared. */
  readonly shared: string;
  readonly #aws: Aws;
  readonly #known = new Set<string>();

  private constructor(machine: Machine, disk: BenchDisk, shared: string, aws: Aws) {
    this.machine = machine;
    this.disk = disk;
    this.shared = shared;
    this.#aws = aws;
  }

  /**
   * `binds` are more directories from outside, as `outside:inside`. Without `program` neither it nor the units are
   * there yet.
   */
  static async start(context: Context, binds: readonly string[] = [], program = true): Promise<UnitStage> {
    const bench = await BlockBench.plain();
    context.onTestFinished(() => bench[Symbol.asyncDispose]());
    const disk = await bench.disk("data", "ext4", 64);
    const shared = await mkdtemp(path.join(bench.disks.directory, "shared-"));
    await chmod(shared, 0o755);
    const machine = await bootSystemd(context, [
      `${source}:/source`,
      `${path.dirname(process.execPath)}:/node`,
      `${disk.mount}:/data`,
      "/dev/disk:/dev/disk",
      `${shared}:/shared`,
      ...binds,
    ]);
    const scenario = path.join(shared, "scenario.json");
    await writeFile(
      scenario,
      JSON.stringify({ ...bench.scenario(), settle: { seconds: 0, secondsPerGiB: 0 } }),
    );
    const aws = await startAws(context, machine.leader, scenario);
    const stage = new UnitStage(machine, disk, shared, aws);
    await stage.#tellUnits();
    if (program) await stage.#install();
    return stage;
  }

  async #install(): Promise<void> {
    const starter = `#!/bin/sh\nexec /node/${path.basename(process.execPath)} /source/dist/ec2-backup.js "$@"\n`;
    await this.file("/usr/bin/ec2-backup", starter, "755");
    await this.machine.run("cp -r /source/systemd/* /usr/lib/systemd/system/ && systemctl daemon-reload");
  }

  /** Where their AWS is. */
  async #tellUnits(): Promise<void> {
    const words = Object.entries(this.#aws.environment).map(([name, value]) => `'${name}=${value}'`);
    await this.machine.run(`systemctl set-environment ${words.join(" ")}`);
  }

  /** Runs the program by hand, as root. */
  byHand(words: string): Promise<{ readonly code: number; readonly output: string }> {
    const settings = Object.entries(this.#aws.environment).map(([name, value]) => `${name}='${value}'`);
    return this.machine.try(`${settings.join(" ")} ec2-backup ${words}`);
  }

  /** Writes a file inside, with the folders above it. */
  async file(at: string, text: string, mode = "644"): Promise<void> {
    const name = `file-${Math.random().toString(36).slice(2)}`;
    await mkdir(this.shared, { recursive: true });
    await writeFile(path.join(this.shared, name), text);
    await this.machine.run(`install -D -m ${mode} /shared/${name} '${at}' && rm /shared/${name}`);
  }

  /** A job `default` that freezes /data; more lines of the file, and of the job, as JSON. */
  async configure(
    job: { readonly waits?: object; readonly [key: string]: unknown },
    more: object = {},
  ): Promise<void> {
    const waits = {
      request: "3s",
      capture: "20s",
      retryFor: "1s",
      retryEvery: "200ms",
      reconcileFor: "600ms",
      ...job.waits,
    };
    const jobs = { default: { retention: { last: 4 }, ...job, waits } };
    const all = { version: 1, daemon: { bootDelay: "0s" }, ...more, jobs };
    await this.file("/etc/ec2-backup/config.yaml", JSON.stringify(all), "600");
  }

  /** Lines beside those of a unit, in force at its next start. */
  async dropIn(unit: string, lines: readonly string[], name = "test"): Promise<void> {
    await this.file(`/run/systemd/system/${unit}.d/${name}.conf`, `${lines.join("\n")}\n`);
    await this.machine.run("systemctl daemon-reload");
  }

  /** Takes all drop-ins away and stops everything of ours; state and cache go too. */
  async clear(): Promise<void> {
    await this.machine.try("systemctl stop 'ec2-backup*'");
    await this.machine.run(
      "rm -rf /run/systemd/system/ec2-backup* /etc/systemd/system/ec2-backup* /var/lib/ec2-backup/*; systemctl daemon-reload; systemctl reset-failed",
    );
    await this.#aws.ask("DELETE", "faults");
  }

  /** A daemon that has a slot to make up for starts a run at once. */
  async missedSlot(): Promise<void> {
    const slot = new Date(Date.now() - 2 * 86_400_000).toISOString();
    const { code, output } = await this.byHand(`run default --slot ${slot}`);
    expect(code, output).toBe(0);
    await this.made();
  }

  /** A property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.machine.run(`systemctl show -p ${name} ${unit}`)).slice(name.length + 1);
  }

  /** What a unit has logged, and what systemd says of it. */
  async journal(unit: string): Promise<string> {
    return (await this.machine.try(`journalctl -u ${unit} -o cat --no-pager`)).output;
  }

  async logged(unit: string, text: string | RegExp, patience = 60_000): Promise<string> {
    const found = (all: string): boolean => (typeof text === "string" ? all.includes(text) : text.test(all));
    return await this.until(() => this.journal(unit), found, `${unit} never logged ${text}`, patience);
  }

  /** Looks until it fits; fails with what there was at last. */
  async until<T>(
    look: () => Promise<T>,
    fits: (found: T) => boolean,
    otherwise: string,
    patience = 60_000,
  ): Promise<T> {
    const why = async (found: string): Promise<string> => {
      const { output } = await this.machine.try("journalctl --no-pager -n 60 -o cat");
      return `${otherwise}: ${found}\n${output}`;
    };
    return lookUntil(look, fits, why, patience);
  }

  async faults(...faults: Fault[]): Promise<void> {
    await this.#aws.ask("POST", "faults", faults);
  }

  /** The state that an Auto Scaling group brings the instance to. */
  async brought(state: string | null): Promise<void> {
    const { settings } = (await this.#aws.ask("GET", "state")) as World;
    const instance = settings.self;
    await this.#aws.ask("POST", "instances", {
      change: { instance, target: state === null ? null : { state } },
    });
  }

  calls(): Promise<Call[]> {
    return this.#aws.ask("GET", "calls") as Promise<Call[]>;
  }

  /** The consistency of each snapshot that was made since this was last asked, by its tag. */
  async made(): Promise<string[]> {
    const { snapshots } = (await this.#aws.ask("GET", "state")) as World;
    const fresh = Object.entries(snapshots).filter(([id]) => !this.#known.has(id));
    for (const [id] of fresh) this.#known.add(id);
    return fresh.map(([, { tags }]) => tags["ec2-backup:consistency"] ?? "none");
  }
}

async function startAws({ onTestFinished }: Context, leader: number, scenario: string): Promise<Aws> {
  const script = path.join(import.meta.dirname, "aws.ts");
  const child = spawn("nsenter", ["-t", String(leader), "-n", "--", ...node, script, scenario], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  onTestFinished(async () => {
    child.stdin.end();
    await gone;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) expect.fail("the simulated AWS is gone");
    return JSON.parse(String(value));
  };
  const environment = (await next()) as Aws["environment"];
  return {
    environment,
    ask: (method, way, body) => {
      child.stdin.write(`${JSON.stringify({ method, path: way, body })}\n`);
      return next();
    },
  };
}
