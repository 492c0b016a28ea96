import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../src/simulator/server.ts";

const dist = process.env["EC2_BACKUP_DIST"] ?? path.join(import.meta.dirname, "..", "dist");
const recorder = path.join(import.meta.dirname, "fakes", "record-modules.cjs");
const kilobyte = 1000;

interface Meta {
  outputs: Record<string, { bytes: number; inputs: Record<string, { bytesInOutput: number }> }>;
}

describe("the bundle", () => {
  const home = mkdtempSync(path.join(tmpdir(), "bundle-"));
  let simulator: Simulator;
  beforeAll(async () => {
    mkdirSync(path.join(home, "cache"));
    simulator = await startSimulator({ scenario: {} });
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** The chunks that a process loads, and their bytes. */
  async function loadedBy(...words: string[]): Promise<{ names: string[]; bytes: number }> {
    const list = path.join(home, "loaded");
    const env = {
      PATH: process.env["PATH"],
      HOME: home,
      STATE_DIRECTORY: path.join(home, "state"),
      CACHE_DIRECTORY: path.join(home, "cache"),
      RECORD_MODULES: list,
      ...simulator.environment,
    };
    const program = path.join(dist, "ec2-backup.js");
    await promisify(execFile)(process.execPath, ["--require", recorder, program, ...words], { env });
    const files = readFileSync(list, "utf8")
      .split("\n")
      .filter((file) => file.endsWith(".cjs") && file !== recorder);
    return {
      names: files.map((file) => path.basename(file)),
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    };
  }

  it("loads at most 450 kB for a run that is governed by tags", async () => {
    const { bytes, names } = await loadedBy("run");
    expect(bytes).toBeGreaterThan(100 * kilobyte);
    // Who is told otherwise than by CloudWatch is loaded where somebody is.
    expect(names.filter((name) => /listeners|notice|ping|emf|prometheus|print/.test(name))).toEqual([]);
    expect(bytes).toBeLessThanOrEqual(450 * kilobyte);
  });

  it("loads at most 690 kB for a run with a configuration file that it has not seen before", async () => {
    const config = path.join(home, "config.yaml");
    writeFileSync(config, "version: 1\njobs: { nightly: { schedule: '0 2 * * *' } }\n", { mode: 0o600 });
    const { bytes, names } = await loadedBy("run", "--config", config, "--dry-run");
    expect(names).toContain("parse.cjs");
    expect(bytes).toBeLessThanOrEqual(690 * kilobyte);
  });

  it("loads hardly more than that for a run whose file is as it was, and the parser again when it is not", async () => {
    const config = path.join(home, "again.yaml");
    const words = ["run", "--config", config, "--dry-run"];
    writeFileSync(config, "version: 1\njobs: { nightly: { schedule: '0 2 * * *' } }\n", { mode: 0o600 });
    await loadedBy(...words);
    const { bytes, names } = await loadedBy(...words);
    expect(names.filter((name) => ["parse.cjs", "schema.cjs"].includes(name))).toEqual([]);
    expect(bytes, String(bytes)).toBeLessThanOrEqual(480 * kilobyte);
    writeFileSync(config, "version: 1\njobs: { nightly: { schedule: '0 3 * * *' } }\n");
    expect((await loadedBy(...words)).names).toContain("parse.cjs");
  });

  it("keeps at most 20 kB of the EC2 schema for runs, and 60 kB with what commands have to themselves", () => {
    const meta = JSON.parse(readFileSync(path.join(dist, "meta.json"), "utf8")) as Meta;
    const agent = Object.entries(meta.outputs).filter(([name]) => name.startsWith("dist/agent/"));
    const parts = agent.flatMap(([, output]) => Object.entries(output.inputs));
    const schema = parts.filter(([name]) => name.includes("client-ec2/dist-es/schemas/"));
    const bytesOf = (all: typeof schema) => all.reduce((sum, [, part]) => sum + part.bytesInOutput, 0);
    const ofRuns = bytesOf(schema.filter(([name]) => !name.includes("?")));
    expect(ofRuns).toBeGreaterThan(1 * kilobyte);
    expect(ofRuns).toBeLessThanOrEqual(20 * kilobyte);
    expect(bytesOf(schema)).toBeLessThanOrEqual(60 * kilobyte);
  });

  it("has only ASCII in the agent's chunks, and nothing that the launcher's way to load them cannot do", () => {
    const folder = path.join(dist, "agent");
    const texts = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "latin1"));
    expect(texts.filter((text) => /[^\0-\x7f]/.test(text))).toEqual([]);
    expect(texts.filter((text) => /\brequire\.[a-z]/.test(text)).map((text) => text.slice(0, 80))).toEqual(
      [],
    );
  });

  it("contains nothing of the simulator in the agent and in the function", () => {
    const meta = JSON.parse(readFileSync(path.join(dist, "meta.json"), "utf8")) as Meta;
    const shipped = Object.entries(meta.outputs).filter(([name]) => /^dist\/(agent|lambda)\//.test(name));
    expect(shipped.length).toBeGreaterThan(1);
    const inputs = shipped.flatMap(([, output]) => Object.keys(output.inputs));
    expect(inputs.filter((name) => name.startsWith("src/simulator"))).toEqual([]);
  });

  it("is one file of at most 1 MB as a function of AWS Lambda, without what only a host has", () => {
    expect(readdirSync(path.join(dist, "lambda"))).toEqual(["index.mjs"]);
    expect(statSync(path.join(dist, "lambda", "index.mjs")).size).toBeLessThanOrEqual(1_000 * kilobyte);
    const meta = JSON.parse(readFileSync(path.join(dist, "meta.json"), "utf8")) as Meta;
    const inputs = Object.keys(meta.outputs["dist/lambda/index.mjs"]?.inputs ?? {});
    expect(inputs.length).toBeGreaterThan(100);
    const hosts = /^src\/(hooks|daemon|cli)\/|winston|mysql2|mongodb|node-cron|commander/;
    expect(inputs.filter((name) => hosts.test(name))).toEqual([]);
  });
});
