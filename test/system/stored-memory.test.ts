import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { folder } from "../host/places.ts";
import { agent, execute } from "./bench.ts";
import { asYaml, configured, local, ready } from "./stores/kinds.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";

const mebi = 2 ** 20;
const [little, much] = [64, 1024];
/** By how much more than with little the agent's own peak may be with much. MiB. */
const tolerance = 16;
const record = path.resolve(import.meta.dirname, "../fakes/record-memory.cjs");

/** What a job stores of so many MiB, as its part of a configuration. */
const subjects: Readonly<Record<string, (mib: number, directory: string) => string>> = {
  files: (mib, directory) => {
    const tree = path.join(directory, `tree-${mib}`);
    mkdirSync(tree);
    const block = Buffer.alloc(mebi, "a line of text that is stored\n");
    for (let each = 0; each < mib / 16; each += 1) {
      block.writeUInt32LE(each);
      writeFileSync(path.join(tree, String(each)), Buffer.concat(Array.from({ length: 16 }, () => block)));
    }
    return `files: { repository: central, paths: [${tree}] }`;
  },
  "a dump": (mib) =>
    `dumps: [{ command: { name: zeros, repository: central, run: [head, -c, "${mib * mebi}", /dev/zero], file: zeros } }]`,
};

test.for(Object.keys(subjects))(
  "the agent needs no more memory to store 1 GiB of %s than 64 MiB",
  { timeout: 300_000 },
  async (what, context) => {
    const program = needRestic(context, systemRestic);
    await using server = await local.start();
    const directory = await folder();
    const peak = async (mib: number): Promise<number> => {
      const at = (name: string) => path.join(directory, `${mib}-${name}`);
      const name = `repository-${mib}`;
      const config = await configured(server.repository(name), "central", directory, { program });
      await ready(server, { ...config, name });
      const text = [
        "version: 1",
        "host: { name: memory }",
        "repositories:",
        asYaml(config),
        `jobs: { nightly: { ${subjects[what]?.(mib, directory)} } }`,
      ];
      writeFileSync(at("config.yaml"), text.join("\n"), { mode: 0o600 });
      mkdirSync(at("state"), { mode: 0o700 });
      const ask = (...words: string[]) =>
        execute([process.execPath, "--require", record, agent, ...words, "--config", at("config.yaml")], {
          STATE_DIRECTORY: at("state"),
          RUNTIME_DIRECTORY: at("state"),
          RECORD_MEMORY: at("memory"),
        });
      const ran = await ask("run", "nightly");
      expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(0);
      const peaks = readFileSync(at("memory"), "utf8").trim().split("\n").map(Number);
      return (peaks.at(-1) ?? Number.NaN) / 1024;
    };
    const [first, second] = [await peak(little), await peak(much)];
    console.log(
      `peak of the agent with ${what}: ${first.toFixed(0)} MiB of ${little}, ${second.toFixed(0)} of ${much}`,
    );
    expect(second - first).toBeLessThan(tolerance);
  },
);
