import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Contender, Work } from "./contender.ts";
import { ownFolders } from "./contenders/agent.ts";
import { idleCost } from "./idle-cost.ts";
import { type Cost, measure, median } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { fixed, printTable } from "./table.ts";
import { configFor, scenario } from "./world.ts";

/** A form that the agent could be given out in. */
interface Form {
  readonly name: string;
  /** Bytes on disk, Node included where it comes along. */
  readonly bytes: number;
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
}

const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const postject = "postject@1.0.0-alpha.6";

/** The forms of the agent beside each other: sizes, a cold start, a run, and the idle daemon. */
export async function artifacts(root: string, folder: string, runs: number): Promise<void> {
  const forms = formsIn(root, path.join(folder, "forms"));
  const config = path.join(folder, "artifacts.yaml");
  writeFileSync(config, configFor(50));
  await using simulator = await Simulator.start(root, folder, scenario(50, new Date()));
  const work: Work = { root, folder, config, env: simulator.env };
  const jobs = { "--version": ["--version"], run: ["run", "--config", config] };
  const costs = new Map<string, Cost[]>();
  for (let round = 0; round <= runs; round += 1) {
    for (const form of forms) {
      for (const [job, words] of Object.entries(jobs)) {
        await simulator.reset(0);
        const cost = measure(contenderOf(form, words), work);
        const key = `${form.name} ${job}`;
        // The first round warms what each form keeps.
        if (round > 0) costs.set(key, [...(costs.get(key) ?? []), cost]);
      }
    }
  }
  const rows: string[][] = [];
  for (const form of forms) {
    const of = (job: string, part: keyof Cost) =>
      fixed(median((costs.get(`${form.name} ${job}`) ?? []).map((cost) => cost[part])));
    const idle = await idleCost([...form.command, "daemon", "--config", config], {
      ...work.env,
      ...ownFolders(folder),
      ...form.env,
    });
    const starts = [of("--version", "wall"), of("--version", "cpu")];
    const run = [of("run", "wall"), of("run", "cpu"), of("run", "peak")];
    rows.push([form.name, fixed(form.bytes / 1e6), ...starts, ...run, ...idle]);
  }
  printTable(
    `Forms of the agent on Node ${process.version}; medians of ${runs} rounds`,
    ["form", "MB", "start ms", "CPU ms", "run ms", "CPU ms", "peak MiB", "idle RSS MiB", "of its own MiB"],
    rows,
  );
}

function contenderOf(form: Form, words: readonly string[]): Contender {
  return {
    name: form.name,
    command: () => [...form.command, ...words],
    env: (work) => ({ ...ownFolders(work.folder), ...form.env }),
  };
}

function formsIn(root: string, place: string): Form[] {
  mkdirSync(place);
  const node = statSync(process.execPath).size;
  const agent = path.join(root, "dist/agent");
  const chunks = readdirSync(agent).reduce((sum, file) => sum + statSync(path.join(agent, file)).size, 0);
  const program = path.join(root, "dist/ec2-backup.js");
  const starter = path.join(place, "starter");
  writeFileSync(starter, `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 });
  execFileSync(
    process.execPath,
    [path.join(root, ".ci/packages/main.ts"), "--only", "single", "--output", place],
    {
      stdio: "ignore",
    },
  );
  const single = path.join(place, readdirSync(place).find((name) => name.endsWith(".cjs")) ?? "");
  const bytes = statSync(single).size;
  const cache = { NODE_COMPILE_CACHE: path.join(place, "cache") };
  return [
    { name: "node and program", bytes: node + chunks, command: [process.execPath, program] },
    { name: "the same by /usr/bin/ec2-backup (sh)", bytes: node + chunks, command: [starter] },
    { name: "one file, without its Node", bytes, command: [process.execPath, single] },
    { name: "one file, NODE_COMPILE_CACHE", bytes, command: [process.execPath, single], env: cache },
    ...[false, true].flatMap((useCodeCache) => executable(place, single, useCodeCache)),
  ];
}

/** https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html */
function executable(place: string, main: string, useCodeCache: boolean): Form[] {
  const name = `single executable${useCodeCache ? ", code cache" : ""}`;
  const file = path.join(place, name.replaceAll(/\W+/g, "-"));
  const output = `${file}.blob`;
  const config = `${file}.json`;
  try {
    writeFileSync(
      config,
      JSON.stringify({ main, output, useCodeCache, disableExperimentalSEAWarning: true }),
    );
    execFileSync(process.execPath, ["--experimental-sea-config", config], { stdio: "ignore" });
    copyFileSync(process.execPath, file);
    chmodSync(file, 0o755);
    const words = ["--yes", postject, file, "NODE_SEA_BLOB", output, "--sentinel-fuse", fuse];
    execFileSync("npx", words, { stdio: "pipe" });
    return [{ name, bytes: statSync(file).size, command: [file] }];
  } catch (error) {
    console.log(`left out: ${name}: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}
