import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { folder } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";

/** Lines of their own, another direction, and half a character. */
const forged = "\n<0>error: forged\r\n\u2028error: forged \u0085error: forged \u202edegrof \ud800";

/** All that a reader may take for the beginning of a line, or for more than text. */
const unruly = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

test.each(["text", "json"])(
  "runs share a file of %s that is put aside under them, with a line of a megabyte and tags that forge lines",
  async (format) => {
    const scenario = scenarioOf(2, 1, { limits: false });
    const instances = (scenario.instances ?? []).map((one) => ({
      ...one,
      tags: { ...one.tags, Retention: forged },
    }));
    const bench = await Bench.start({ ...scenario, instances });
    onTestFinished(() => bench[Symbol.asyncDispose]());
    const here = await folder();
    const file = path.join(here, "agent.log");
    const log = `{ level: debug, format: ${format}, flushWithin: 10s, file: { path: ${file}, maxSize: 1KiB, maxFiles: 1000 } }`;
    const start = `version: 1\nlog: ${log}\njobs: `;
    await writeFile(bench.config, `${start}{ default: {}, other: {} }\n`, { mode: 0o600 });
    const huge = path.join(here, "huge.yaml");
    await writeFile(huge, `${start}{ default: { ${"x".repeat(1_000_000)}: 1 } }\n`, { mode: 0o600 });
    let printed = "";
    for (let round = 0; round < 3; round += 1) {
      const ended = await Promise.all([
        bench.execute(["run", "default", "--config", bench.config]),
        bench.execute(["run", "other", "--config", bench.config]),
        bench.execute(["plan", "--config", huge]),
      ]);
      printed += ended.map(({ stderr }) => stderr).join("");
    }
    const files = readdirSync(here).filter((name) => name.startsWith("agent.log"));
    expect(files.length).toBeGreaterThan(2);
    const lines = files.flatMap((name) => readFileSync(path.join(here, name), "utf8").trimEnd().split("\n"));
    expect(lines.filter((line) => unruly.test(line)).map((line) => line.slice(0, 300))).toEqual([]);
    expect(lines.filter((line) => line.length > 1_000_000)).toHaveLength(3);
    expect(lines.filter((line) => line.includes("forged")).length).toBeGreaterThanOrEqual(6);

    // Each line is whole, and there as often as it was said.
    const bare = (line: string): string => {
      if (format === "text")
        return (
          /^\d{4}-\d\d-\d\dT[\d:.]+Z ((?:error|warn|info|debug): .*)$/.exec(line)?.[1] ?? `torn: ${line}`
        );
      const { time: _, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(rest);
    };
    const head = format === "text" ? /^(error|warn|info|debug): / : /^\{"time"/;
    const said = printed.split("\n").filter((line) => head.test(line));
    const plain = format === "text" ? said : said.map(bare);
    const own = (line: string): boolean => !line.includes("cannot use the configuration: huge");
    expect(lines.map(bare).filter(own).sort()).toEqual(plain.filter(own).sort());
  },
);
