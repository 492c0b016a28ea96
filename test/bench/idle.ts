import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { agent, ownFolders } from "./contenders/agent.ts";
import { plainEnvironment } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";
import { configFor, scenario } from "./world.ts";

const goals = { rss: 1.45, dirty: 16 };

/** What a waiting process holds and does, from /proc. */
interface Snapshot {
  rss: number;
  dirty: number;
  switches: number;
  cpu: number;
}

/** The daemon with nothing to do beside a Node process with nothing to do. */
export async function idle(root: string, folder: string, seconds: number): Promise<void> {
  if (process.platform !== "linux") return console.log("left out: the idle daemon is measured through /proc");
  const config = path.join(folder, "daemon.yaml");
  writeFileSync(config, configFor(50));
  await using simulator = await Simulator.start(root, folder, scenario(50, new Date()));
  const work = { root, folder, config, env: simulator.env };
  const reason = agent.missing?.(work);
  if (reason !== undefined) return console.log(`left out: the idle daemon: ${reason}`);
  const daemon = agent.command(work).map((word) => (word === "run" ? "daemon" : word));
  const bare = [process.execPath, "-e", "setInterval(() => {}, 2 ** 30)"];
  const processes = [bare, daemon].map((command) =>
    start(command, { ...simulator.env, ...ownFolders(folder) }),
  );
  try {
    await sleep(5000);
    const before = processes.map(look);
    await sleep(seconds * 1000);
    const after = processes.map(look);
    report(seconds, before, after);
  } finally {
    await Promise.all(processes.map(stop));
  }
}

function start(
  [program = "", ...words]: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(program, words, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...plainEnvironment(), ...env },
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

function look({ pid, exitCode }: ChildProcess): Snapshot {
  if (exitCode !== null) throw new Error(`the daemon ended with ${exitCode} instead of waiting`);
  const mebibytes = (text: string, key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN) / 1024;
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const switches = readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  });
  // Fields 14 and 15 of stat, counted after the name, which may hold spaces: ticks of 10 ms.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return {
    rss: mebibytes(memory, "Rss"),
    dirty: mebibytes(memory, "Private_Dirty"),
    switches: switches.reduce((sum, count) => sum + count, 0),
    cpu: (Number(stat[11]) + Number(stat[12])) * 10,
  };
}

function report(seconds: number, before: readonly Snapshot[], after: readonly Snapshot[]): void {
  const base = after[0]?.rss ?? Number.NaN;
  const rows = after.map((now, index) => {
    const then = before[index] ?? now;
    const ours = index === 1;
    return [
      ours ? "ec2-backup daemon" : "bare node",
      fixed(now.rss, 1),
      ours ? against(now.rss / base, goals.rss) : "1.00",
      ours ? against(now.dirty, goals.dirty, 1) : fixed(now.dirty, 1),
      fixed(now.rss - then.rss, 1),
      fixed(now.switches - then.switches),
      fixed(now.cpu - then.cpu),
    ];
  });
  printTable(
    `Waiting for ${seconds} s`,
    ["process", "RSS MiB", "RSS/bare", "private dirty MiB", "growth MiB", "wake-ups", "CPU ms"],
    rows,
  );
}
