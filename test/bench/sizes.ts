import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { agent, ownFolders } from "./contenders/agent.ts";
import { plainEnvironment } from "./measure.ts";
import { Simulator } from "./simulator.ts";
import { against, fixed, printTable } from "./table.ts";

interface Output {
  bytes: number;
  inputs: Record<string, { bytesInOutput: number }>;
}

/** In kB. Unlike times these are the same on every machine, so a miss is a failure. */
const limits = { loaded: 450, schema: 20 };

/** How much a run loads, how large the whole agent is, and which packages make it so. */
export async function sizes(root: string, folder: string): Promise<void> {
  const meta = JSON.parse(readFileSync(path.join(root, "dist/meta.json"), "utf8"));
  const all: [string, Output][] = Object.entries(meta.outputs);
  const outputs = new Map(all.filter(([name]) => name.startsWith("dist/agent/")));
  const packages = new Map<string, number>();
  let schema = 0;
  for (const { inputs } of outputs.values()) {
    for (const [name, { bytesInOutput }] of Object.entries(inputs)) {
      const owner = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(name)?.[1] ?? "our own";
      packages.set(owner, (packages.get(owner) ?? 0) + bytesInOutput);
      // What commands have to themselves, which is marked, no run loads.
      if (name.includes("client-ec2/dist-es/schemas/") && !name.includes("?")) schema += bytesInOutput;
    }
  }
  const kilo = (bytes: number) => bytes / 1000;
  const loaded = await loadedByRun(root, folder);
  const total = [...outputs.values()].reduce((sum, output) => sum + output.bytes, 0);
  printTable(
    `The agent's bundle, ${outputs.size} files, kB minified`,
    ["part", "kB"],
    [
      ["loaded by a run that tags govern", against(kilo(loaded), limits.loaded, 0)],
      ["all of it", fixed(kilo(total), 0)],
      ["  of it the EC2 schema of runs", against(kilo(schema), limits.schema, 1)],
      ...[...packages]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 20)
        .map(([name, bytes]) => [`  ${name}`, fixed(kilo(bytes), 1)]),
    ],
  );
  if (kilo(loaded) > limits.loaded || kilo(schema) > limits.schema) process.exitCode = 1;
}

/** The bytes of the chunks that such a run really loads. */
async function loadedByRun(root: string, folder: string): Promise<number> {
  await using simulator = await Simulator.start(root, folder, {});
  const list = path.join(folder, "loaded");
  const [program = "", ...words] = agent.command({ root, folder, config: "", env: {} }).slice(0, -2);
  execFileSync(program, ["--require", path.join(root, "test/fakes/record-modules.cjs"), ...words], {
    stdio: "pipe",
    env: { ...plainEnvironment(), ...ownFolders(folder), ...simulator.env, RECORD_MODULES: list },
  });
  const chunks = readFileSync(list, "utf8")
    .split("\n")
    .filter((file) => file.startsWith(path.join(root, "dist/agent/")));
  if (chunks.length === 0) throw new Error("the run loaded nothing of dist/agent");
  return chunks.reduce((sum, file) => sum + statSync(file).size, 0);
}
