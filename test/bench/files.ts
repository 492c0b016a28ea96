import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import path from "node:path";
import type { Contender, Work } from "./contender.ts";
import { agent } from "./contenders/agent.ts";
import { makeFiles } from "./file-tree.ts";
import { measure, median } from "./measure.ts";
import { fixed, printTable } from "./table.ts";

/** At least so much of bare restic's throughput, as a median of pairs. */
const goal = 0.95;
const password = "bench";

/** A place in memory, where it holds so much, so that the shared disk of a test machine is not what is measured. */
export function roomFor(bytes: number, folder: string): string {
  const { bavail, bsize } = existsSync("/dev/shm") ? statfsSync("/dev/shm") : { bavail: 0, bsize: 0 };
  const place = path.join(bavail * bsize > bytes ? "/dev/shm" : folder, `ec2-backup-bench-${process.pid}`);
  mkdirSync(place, { mode: 0o700 });
  return place;
}

export function resticProgram(): string | undefined {
  const named = process.env.RESTIC_CURRENT ?? "restic";
  return spawnSync(named, ["version"]).status === 0 ? named : undefined;
}

/** A repository and the configuration of a host elsewhere that stores a tree in it. */
export interface FilesBench {
  readonly repository: string;
  readonly tree: string;
  readonly config: string;
  readonly passwordFile: string;
  /** What bare restic needs of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

export function filesBench(place: string, tree: string, retention = ""): FilesBench {
  const at = (name: string) => path.join(place, name);
  writeFileSync(at("password"), `${password}\n`, { mode: 0o600 });
  const lines = [
    "version: 1",
    "host: { name: bench }",
    "repositories:",
    `  central: { url: ${at("repository")}, passwordFile: ${at("password")}, restic: ${absolute(resticProgram() ?? "")} }`,
    "jobs:",
    `  nightly: { files: { repository: central, paths: [${tree}] }${retention} }`,
    "",
  ];
  writeFileSync(at("config.yaml"), lines.join("\n"), { mode: 0o600 });
  const env = { RESTIC_PASSWORD_FILE: at("password"), RESTIC_REPOSITORY: at("repository") };
  return { repository: at("repository"), tree, config: at("config.yaml"), passwordFile: at("password"), env };
}

function absolute(program: string): string {
  return path.isAbsolute(program)
    ? program
    : execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
}

/** Makes an empty repository. */
export function initRepository({ repository, env }: FilesBench): void {
  rmSync(repository, { recursive: true, force: true });
  execFileSync(resticProgram() ?? "", ["init", "-q"], { env: { ...process.env, ...env } });
}

/** Saving files by a run of the agent beside bare restic, turn by turn. */
export async function files(root: string, folder: string, runs: number): Promise<void> {
  if (resticProgram() === undefined) {
    console.log("\nSaving files is not measured: it needs restic.");
    return;
  }
  // Each of a run's two listings makes the repository's key anew, a third of a second that restic wants it to take:
  // with less data that is what is measured. Tree and repository have to fit in memory.
  const mib = Number(process.env.BENCH_FILES_MIB ?? (totalmem() > 20 * 2 ** 30 ? 8192 : 2048));
  const place = roomFor(mib * 1.2 * 2 ** 20, folder);
  const tree = mkdtempSync(path.join(folder, "tree-"));
  try {
    const bench = filesBench(place, tree);
    makeFiles(bench.tree, mib);
    const work: Work = { root, folder: place, config: bench.config, env: {} };
    const restic: Contender = {
      name: "bare restic backup",
      command: () => [
        ...[resticProgram() ?? "", "backup", "--quiet", "--cache-dir", path.join(place, "cache"), bench.tree],
      ],
      env: () => bench.env,
    };
    const contenders = [restic, agent];
    const whole = contenders.map(() => [] as number[]);
    const again = contenders.map(() => [] as number[]);
    for (let round = 0; round <= runs; round += 1) {
      for (const [index, contender] of contenders.entries()) {
        initRepository(bench);
        rmSync(path.join(place, "state"), { recursive: true, force: true });
        const first = measure(contender, work).wall;
        const second = measure(contender, work).wall;
        // The first round warms file caches and is not counted.
        if (round === 0) continue;
        whole[index]?.push(first);
        again[index]?.push(second);
      }
    }
    report(mib, runs, contenders, whole, again);
  } finally {
    rmSync(tree, { recursive: true, force: true });
    rmSync(place, { recursive: true, force: true });
  }
}

function report(
  mib: number,
  runs: number,
  contenders: readonly Contender[],
  whole: readonly (readonly number[])[],
  again: readonly (readonly number[])[],
): void {
  const [base = []] = whole;
  const rows = contenders.map(({ name }, index) => {
    const mine = whole[index] ?? [];
    const ratio = median(mine.map((wall, round) => (base[round] ?? Number.NaN) / wall));
    const shown = index === 0 ? fixed(1, 2) : atLeast(ratio, goal);
    return [
      name,
      fixed(median(mine) / 1000, 1),
      fixed(mib / (median(mine) / 1000)),
      shown,
      fixed(median(again[index] ?? []) / 1000, 1),
    ];
  });
  printTable(
    `Saving ${mib} MiB of files into a repository in memory; medians of ${runs} rounds, ratio in pairs`,
    ["contender", "s", "MiB/s", "of restic", "again, unchanged, s"],
    rows,
  );
}

/** A figure beside a goal that it is to reach; a missed goal is marked, never a failure. */
export function atLeast(value: number, wanted: number): string {
  return `${fixed(value, 2)} (goal ${wanted}${value < wanted ? ", MISSED" : ""})`;
}
