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
type Subject = (mib: number, directory: string) => string;
/** What is done with it then: what that is called, and the words of a shell that does it. */
type Uses = (mib: number, directory: string) => Readonly<Record<string, string>>;

const subjects: Readonly<Record<string, readonly [Subject, Uses]>> = {
  files: [stored, restoredAndMirrored],
  "a dump": [
    (mib) =>
      `dumps: [{ command: { name: zeros, repository: central, run: [head, -c, "${mib * mebi}", /dev/zero], file: zeros } }]`,
    (mib) => ({ "write to stdout": `"$@" restore cat dump/zeros | wc -c | grep -x ${mib * mebi}` }),
  ],
};

function stored(mib: number, directory: string): string {
  const tree = path.join(directory, `tree-${mib}`);
  mkdirSync(path.join(tree, "sub"), { recursive: true });
  const block = Buffer.alloc(mebi, "a line of text that is stored\n");
  for (let each = 0; each < mib / 16; each += 1) {
    block.writeUInt32LE(each);
    const name = each % 4 === 0 ? `sub/${each}` : String(each);
    writeFileSync(path.join(tree, name), Buffer.concat(Array.from({ length: 16 }, () => block)));
  }
  return `files: { repository: central, paths: [${tree}] }`;
}

/** A quarter of it is restored: what takes long is writing it. */
function restoredAndMirrored(mib: number, directory: string): Readonly<Record<string, string>> {
  const [tree, copy] = [`tree-${mib}/sub`, `back-${mib}`].map((name) => path.join(directory, name));
  return {
    "restore a quarter of the": `"$@" restore file ${tree} --to ${copy} && diff -r ${tree} ${copy}`,
    "mirror the": `"$@" repository mirror central | grep "1 point copied and seen there"`,
  };
}

test.for(Object.keys(subjects))(
  "the agent needs no more memory to store 1 GiB of %s than 64 MiB, nor to give it back",
  { timeout: 300_000 },
  async (what, context) => {
    const program = needRestic(context, systemRestic);
    const [subject, uses] = subjects[what] ?? expect.fail();
    await using server = await local.start();
    const directory = await folder();
    const peaks = async (mib: number): Promise<Readonly<Record<string, number>>> => {
      const at = (name: string) => path.join(directory, `${mib}-${name}`);
      const [central, offsite] = [await repositoryOf("central"), await repositoryOf("offsite")];
      async function repositoryOf(called: string) {
        const name = `${called}-${mib}`;
        const config = await configured(server.repository(name), called, directory, { program });
        await ready(server, { ...config, name });
        return asYaml(config);
      }
      const text = [
        "version: 1",
        "host: { name: memory }",
        "repositories:",
        central.replace(/\}\n$/, ", mirror: { to: offsite, retention: { last: 3 } } }\n") + offsite,
        `jobs: { nightly: { ${subject(mib, directory)} } }`,
      ];
      writeFileSync(at("config.yaml"), text.join("\n"), { mode: 0o600 });
      mkdirSync(at("state"), { mode: 0o700 });
      const peak = async (script: string): Promise<number> => {
        const command = [process.execPath, "--require", record, agent, "--config", at("config.yaml")];
        const ran = await execute(["sh", "-c", script, "sh", ...command], {
          STATE_DIRECTORY: at("state"),
          RUNTIME_DIRECTORY: at("state"),
          RECORD_MEMORY: at("memory"),
        });
        expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(0);
        const all = readFileSync(at("memory"), "utf8").trim().split("\n").map(Number);
        return (all.at(-1) ?? Number.NaN) / 1024;
      };
      const found: Record<string, number> = { store: await peak(`exec "$@" run nightly`) };
      for (const [use, script] of Object.entries(uses(mib, directory))) found[use] = await peak(script);
      return found;
    };
    const [first, second] = [await peaks(little), await peaks(much)];
    for (const [use, most] of Object.entries(second)) {
      const less = first[use] ?? Number.NaN;
      console.log(
        `peak of the agent, ${use} ${what}: ${less.toFixed(0)} MiB of ${little}, ${most.toFixed(0)} of ${much}`,
      );
      expect(most - less, use).toBeLessThan(tolerance);
    }
  },
);
