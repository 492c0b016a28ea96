import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import type { Contender, Work } from "./contender.ts";
import { agent } from "./contenders/agent.ts";
import { makeMany } from "./file-tree.ts";
import { filesBench, initRepository, resticProgram, roomFor } from "./files.ts";
import { measure, median, plainEnvironment } from "./measure.ts";
import { fixed, printTable } from "./table.ts";

const count = Number(process.env.BENCH_FILES_COUNT ?? 100_000);
const points = Number(process.env.BENCH_FILES_POINTS ?? 30);

/** A run that nobody waits for, as the daemon starts it: it leaves the listing of what it has stored on this host. */
const onSchedule: Contender = {
  ...agent,
  command: (work) => [...agent.command(work), "--trigger", "schedule"],
};

/** A single file out of a repository of many files and points, and what is looked at before: all in seconds. */
export async function restoreFile(root: string, folder: string, runs: number): Promise<void> {
  if (resticProgram() === undefined) {
    console.log("\nRestoring a file is not measured: it needs restic.");
    return;
  }
  const place = roomFor(4 * 2 ** 30, folder);
  try {
    const bench = filesBench(place, path.join(place, "tree"), `, retention: { last: ${points} }`);
    makeMany(bench.tree, count, 2048);
    initRepository(bench);
    const work: Work = { root, folder: place, config: bench.config, env: {} };
    const many = path.join(bench.tree, "0", "file-7");
    for (let point = 0; point < points; point += 1) {
      makeMany(bench.tree, count / 100, 2048, Math.floor((point * count) / points / 100) * 100);
      appendFileSync(many, `as of point ${point}\n`);
      measure(onSchedule, work);
    }
    report(bench.repository, askers(work, many), work, runs);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function askers(work: Work, file: string): readonly Contender[] {
  const ask = (name: string, words: (fresh: string) => readonly string[]): Contender => ({
    ...agent,
    name,
    command: (one) => {
      const [node = "", program = ""] = agent.command(one);
      return [node, program, ...words(mkdtempSync(path.join(one.folder, "to-"))), "--config", one.config];
    },
  });
  const env = () => filesBench(work.folder, path.join(work.folder, "tree")).env;
  return [
    ask("restore file", (to) => ["restore", "file", file, "--to", `${to}/`]),
    ask("restore cat", () => ["restore", "cat", file]),
    ask("restore list", () => ["restore", "list"]),
    ask("restore ls of a directory", () => ["restore", "ls", path.dirname(file)]),
    ask("restore find in the newest point", () => ["restore", "find", "file-7"]),
    ask("restore find in all points", () => ["restore", "find", "file-7", "--all"]),
    ask("restore diff of two points", () => ["restore", "diff", ...lastTwo(work)]),
    ask("list", () => ["list"]),
    {
      name: "bare restic restore --include",
      command: (one) => [
        ...[resticProgram() ?? "", "restore", "latest", "--include", file],
        ...["--target", mkdtempSync(path.join(one.folder, "to-"))],
      ],
      env: () => ({ ...env(), RESTIC_CACHE_DIR: path.join(work.folder, "restic-cache") }),
    },
  ];
}

/** The ids of the two newest points, the older one first. */
function lastTwo(work: Work): readonly string[] {
  const [node = "", program = ""] = agent.command(work);
  const words = [program, "list", "--json", "--config", work.config];
  const text = execFileSync(node, words, {
    encoding: "utf8",
    env: { ...plainEnvironment(), ...agent.env?.(work) },
  });
  const { points: listed } = JSON.parse(text) as { points: { id: string }[] };
  return listed
    .slice(0, 2)
    .map(({ id }) => id)
    .reverse();
}

function report(repository: string, contenders: readonly Contender[], work: Work, runs: number): void {
  const times = contenders.map(() => [] as number[]);
  const firsts: number[] = [];
  const costs = contenders.map(() => ({ cpu: [] as number[], peak: [] as number[] }));
  for (let round = 0; round <= runs; round += 1)
    for (const [index, contender] of contenders.entries()) {
      const { wall, cpu, peak } = measure(contender, work);
      // The first time nothing is at hand yet.
      if (round === 0) firsts.push(wall);
      else times[index]?.push(wall);
      costs[index]?.cpu.push(cpu);
      costs[index]?.peak.push(peak);
    }
  const size = execFileSync("du", ["-sm", repository], { encoding: "utf8", env: plainEnvironment() }).split(
    "\t",
  )[0];
  printTable(
    `A file out of ${count} files in ${points} points (${size} MiB, on ${statSync(repository).dev === statSync("/").dev ? "the disk" : "memory"}); medians of ${runs}`,
    ["asked", "first s", "s", "CPU s, restic's too", "peak MiB"],
    contenders.map(({ name }, index) => [
      name,
      fixed((firsts[index] ?? Number.NaN) / 1000, 2),
      fixed(median(times[index] ?? []) / 1000, 2),
      fixed(median(costs[index]?.cpu.slice(1) ?? []) / 1000, 2),
      fixed(Math.max(...(costs[index]?.peak.slice(1) ?? []))),
    ]),
  );
}
