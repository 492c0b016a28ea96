import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { BlockBench } from "../system/block-bench.ts";
import { python } from "./contenders/boto3.ts";
import { median, plainEnvironment } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";

/** The latency of one call, in milliseconds. */
const latency = 50;
const here = import.meta.dirname;
/** In memory, so that the shared disk of a test machine is not what is measured. */
const below = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const goals = { stall: 1.15, section: 1.1, fourMounts: 1.4 };

interface Case {
  readonly volumes: number;
  readonly mounts: number;
}

const cases: readonly Case[] = [
  { volumes: 1, mounts: 1 },
  { volumes: 4, mounts: 1 },
  { volumes: 16, mounts: 1 },
  { volumes: 4, mounts: 4 },
];

const us = "ec2-backup";
const floor = "floor";

/** Milliseconds. */
interface Figures {
  /** How long a writer stood still. */
  readonly stall: number;
  /** From the last freeze done until the first thaw begins; of a run of its own, which is traced. */
  readonly section: number;
}

/** The longest stall of a writer on a frozen filesystem, beside that of whoever else holds it still. */
export async function freezeWindow(root: string, folder: string, runs: number): Promise<void> {
  const missing = hindrance();
  if (missing !== undefined) {
    console.log(`\nThe freeze window is not measured: it needs ${missing}.`);
    return;
  }
  const rows: string[][] = [];
  const ours: number[] = [];
  for (const one of cases) {
    const figures = await measured(one, root, folder, runs);
    const base = figures.get(floor) ?? [];
    for (const [contender, mine] of figures) {
      const of = (what: keyof Figures) => median(mine.map((each) => each[what]));
      const ratio = (what: keyof Figures) =>
        median(mine.map((each, index) => each[what] / (base[index]?.[what] ?? Number.NaN)));
      const figure = (what: keyof Figures) =>
        contender === us ? against(ratio(what), goals[what]) : fixed(ratio(what), 2);
      if (contender === us) ours.push(of("stall"));
      rows.push([
        `${one.volumes} volumes, ${one.mounts} mounts`,
        contender,
        fixed(of("stall")),
        figure("stall"),
        fixed(of("section")),
        figure("section"),
      ]);
    }
  }
  printTable(
    `The longest stall of a writer, and what of it lies between the ioctls; ${latency} ms a call, ext4 in ${below}, medians of ${runs} rounds, ratios in pairs`,
    ["case", "contender", "stall ms", "of floor", "API section ms", "of floor"],
    rows,
  );
  const [, one = Number.NaN, , four = Number.NaN] = ours;
  console.log(`\nfour mounts stand still for ${against(four / one, goals.fourMounts)} of the time of one`);
}

function hindrance(): string | undefined {
  if (process.getuid?.() !== 0 || process.platform !== "linux") return "root on Linux, for loop devices";
  return existsSync("/usr/bin/strace") ? undefined : "strace";
}

async function measured(
  one: Case,
  root: string,
  folder: string,
  runs: number,
): Promise<Map<string, Figures[]>> {
  await using bench = await BlockBench.plain(below);
  for (let index = 0; index < one.mounts; index += 1) await bench.disk(`data${index}`, "ext4", 128);
  const { volumes = [], ...scenario } = bench.scenario();
  const others = Array.from({ length: one.volumes - one.mounts }, (_, index) => ({
    id: `vol-0be${String(index).padStart(14, "0")}`,
    size: 1,
    attachments: [{ instance: bench.instance, device: `/dev/xvd${"bcdefghijklmnopqrstu"[index]}a` }],
  }));
  const all = [...volumes, ...others];
  await using simulator = await Simulator.start(root, folder, { ...scenario, volumes: all });
  const mounts = bench.members.map(({ mount }) => mount);
  const ids = all.map(({ id = "" }) => id);
  const contenders = contendersOf(root, folder, bench.instance, ids, mounts);
  const figures = new Map([...contenders.keys()].map((name) => [name, [] as Figures[]]));
  for (let run = 0; run <= runs; run += 1) {
    for (const [name, words] of contenders) {
      const stall = await stallDuring(mounts[0] ?? "", words, await afresh(simulator, folder));
      const section = await sectionOf(path.join(folder, "ioctls"), words, await afresh(simulator, folder));
      // The first round warms file caches and is not counted.
      if (run > 0) figures.get(name)?.push({ stall, section });
    }
  }
  return figures;
}

function contendersOf(
  root: string,
  folder: string,
  instance: string,
  volumes: readonly string[],
  mounts: readonly string[],
): Map<string, readonly string[]> {
  const config = path.join(folder, "window.yaml");
  const text = "version: 1\njobs: { default: { hooks: [{ freeze: { mounts: data } }] } }\n";
  writeFileSync(config, text, { mode: 0o600 });
  const agent = path.join(process.env.EC2_BACKUP_DIST ?? path.join(root, "dist"), "ec2-backup.js");
  const script = path.join(here, "window-baseline.py");
  const baseline = (mode: string) => [python, script, mode, instance, volumes.join(","), ...mounts];
  return new Map([
    [floor, baseline("floor")],
    [us, [process.execPath, agent, "run", "--config", config, "--log-level", "error"]],
    ["boto3, warm", baseline("boto3")],
    ["boto3, one call a volume", baseline("per-volume")],
  ]);
}

/** A fresh account and a fresh host. */
async function afresh(simulator: Simulator, folder: string): Promise<NodeJS.ProcessEnv> {
  await simulator.reset(latency);
  const [state, runtime] = [path.join(folder, "window-state"), path.join(folder, "window-run")];
  for (const directory of [state, runtime]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { mode: 0o700 });
  }
  return { ...plainEnvironment(), ...simulator.env, STATE_DIRECTORY: state, RUNTIME_DIRECTORY: runtime };
}

async function stallDuring(mount: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const writing = ["-n", "-15", python, path.join(here, "window-writer.py"), mount];
  const writer = spawn("nice", writing, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: writer.stdout });
  await nextLine(lines);
  try {
    await succeed(words, env);
  } catch (error) {
    writer.kill("SIGKILL");
    throw error;
  }
  return stop(writer, lines);
}

async function succeed([program = "", ...rest]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const contender = spawn(program, rest, { env, stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(contender, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ${rest.join(" ")} ended with ${code}`);
}

/** By the kernel's hand: between the end of the last freeze and the beginning of the first thaw. */
async function sectionOf(log: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  await succeed(
    ["strace", "-f", "--seccomp-bpf", "-ttt", "-T", "-e", "trace=ioctl", "-o", log, ...words],
    env,
  );
  const lines = readFileSync(log, "utf8").split("\n");
  const frozen = lines.filter((line) => line.includes("FIFREEZE")).map((line) => endOf(line, lines));
  const thaws = lines.filter((line) => line.includes("FITHAW")).map((line) => Number(line.split(/\s+/)[1]));
  return (Math.min(...thaws) - Math.max(...frozen)) * 1000;
}

/** When a call ended: it may be told in two halves, the second of which has its duration. */
function endOf(line: string, lines: readonly string[]): number {
  const [thread, at] = line.split(/\s+/);
  const whole = line.includes("unfinished")
    ? lines
        .slice(lines.indexOf(line))
        .find((other) => other.startsWith(`${thread} `) && other.includes("ioctl resumed"))
    : line;
  return Number(at) + Number(/<([\d.]+)>$/.exec(whole ?? "")?.[1]);
}

async function stop(writer: ChildProcess, lines: Interface): Promise<number> {
  const answer = nextLine(lines);
  writer.kill("SIGTERM");
  return Number(await answer);
}

async function nextLine(lines: Interface): Promise<string> {
  const [line] = (await once(lines, "line")) as [string];
  return line;
}
