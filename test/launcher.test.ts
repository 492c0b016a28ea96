import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../src/simulator/server.ts";
import { type Ended, type Ground, launched, withoutRoot } from "./fakes/launched.ts";

const isRoot = process.getuid?.() === 0;
const shipped = path.join(import.meta.dirname, "../dist/ec2-backup.js");
const flagRecorder = path.join(import.meta.dirname, "fakes/record-flags.cjs");

describe.skipIf(process.getuid === undefined)("the launcher", () => {
  let simulator: Simulator;
  let home: string;
  let caches: string;
  let compiled: string;
  let main: string;

  beforeAll(async () => {
    simulator = await startSimulator({
      scenario: { settle: { seconds: 0, secondsPerGiB: 0 }, limits: false },
    });
  });
  afterAll(() => simulator.close());
  beforeEach(() => {
    home = realpathSync(mkdtempSync(path.join(tmpdir(), "launcher-")));
    caches = path.join(home, "cache");
    mkdirSync(caches, { mode: 0o755 });
    compiled = path.join(caches, "ec2-backup", "compiled");
    main = path.join(compiled, "main.cjs");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const start = (
    words: readonly string[] = ["run"],
    env: Record<string, string> = {},
    ground: Partial<Ground> = {},
  ) => launched(home, words, { CACHE_DIRECTORY: caches, ...simulator.environment, ...env }, ground);

  async function good(...how: Parameters<typeof start>): Promise<Ended["scripts"]> {
    const { code, stderr, stdout, scripts } = await start(...how);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/Error|launcher/) });
    expect(stdout).toContain("complete, crash-consistent");
    return scripts;
  }

  function replaceByLink(file: string): void {
    renameSync(file, path.join(home, "moved"));
    symlinkSync(path.join(home, "moved"), file);
  }

  const all = (scripts: Ended["scripts"]) => [...new Set(Object.values(scripts))];

  /** What a command tells V8, and what of Node it loads after that. */
  async function flagged(...words: string[]): Promise<{ flags: string[]; late: string[] }> {
    const list = path.join(home, "flags.json");
    const { code, stderr } = await start(words, { RECORD_FLAGS: list }, { recorder: flagRecorder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("flag") });
    return JSON.parse(readFileSync(list, "utf8"));
  }

  it("has V8 optimize later, once Node's own modules are loaded, whose kept code it takes only before", async () => {
    const { flags, late } = await flagged("run");
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags)
      expect(flag).toMatch(/^--invocation-count-for-(maglev|turbofan|maglev-osr|osr)=/);
    // What is loaded by who writes and listens to signals is small.
    expect(late.length).toBeLessThanOrEqual(6);
    expect(
      late.filter((name) => /http|tls| crypto$|child_process|fs.promises|webstreams|perf_hooks/.test(name)),
    ).toEqual([]);
    // The code that runs keep is for all that have these flags.
    expect((await flagged("list")).flags).toEqual(flags);
    expect((await flagged("--help")).flags).toEqual([]);
  });

  it("keeps the code of a run that went well, for its user only, and uses it", async () => {
    const first = await good();
    expect(all(first)).toEqual(["compiled"]);
    expect(readdirSync(compiled).sort()).toEqual(Object.keys(first).sort());
    for (const file of readdirSync(compiled)) {
      expect(statSync(path.join(compiled, file)).mode & 0o7777).toBe(0o600);
    }
    for (const folder of [compiled, path.dirname(compiled)]) {
      expect(statSync(folder).mode & 0o7777).toBe(0o700);
    }
    const written = statSync(main).mtimeMs;
    const second = await good();
    expect(all(second)).toEqual(["kept"]);
    expect(Object.keys(second)).toEqual(Object.keys(first));
    expect(statSync(main).mtimeMs).toBe(written);
  });

  // Root's usual place is the machine's own /var/cache, which is no business of a test.
  it.each([
    ["XDG_CACHE_HOME", () => ({ XDG_CACHE_HOME: caches })],
    ["the home directory", () => ({})],
  ])("of a user who is not root finds caches by %s", async (_, env) => {
    mkdirSync(path.join(home, ".cache"));
    const ground = withoutRoot(home);
    await good(["run"], { CACHE_DIRECTORY: "", ...env() }, ground);
    expect(all(await good(["run"], { CACHE_DIRECTORY: "", ...env() }, ground))).toEqual(["kept"]);
  });

  it.each([
    ["run", "--dry-run"],
    ["run", "--help"],
    ["--version", ""],
    ["check-config", "--schema"],
  ])("keeps nothing of %s %s", async (...words) => {
    expect((await start(words.filter(Boolean))).code).toBe(0);
    expect(readdirSync(caches)).toEqual([]);
  });

  it("keeps nothing of a run that failed", async () => {
    const { code } = await start(["run", "--config", path.join(home, "none.yaml")]);
    expect(code).not.toBe(0);
    expect(readdirSync(caches)).toEqual([]);
  });

  it.each(["NODE_DISABLE_COMPILE_CACHE", "NODE_COMPILE_CACHE"])(
    "leaves it to Node where %s is set",
    async (name) => {
      const scripts = await good(["run"], { [name]: path.join(home, "nodes-own") });
      expect(scripts).toEqual({});
      expect(readdirSync(caches)).toEqual([]);
    },
  );

  const replace = (bytes: Buffer, at: number) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };
  it.each<[string, (bytes: Buffer) => Buffer | string]>([
    ["of another compiler", (bytes) => replace(bytes, 3)],
    ["of another source", (bytes) => replace(bytes, 25)],
    ["with another checksum", (bytes) => replace(bytes, 45)],
    ["with one bit changed", (bytes) => replace(bytes, bytes.length - 1000)],
    ["cut off", (bytes) => bytes.subarray(0, bytes.length / 2)],
    ["that is empty", () => ""],
    ["that is something else", () => "console.log('not ours')"],
  ])("does not use a file %s, and writes it anew", async (_, change) => {
    await good();
    writeFileSync(main, change(readFileSync(main)));
    const scripts = await good();
    expect(scripts["main.cjs"]).toBe("compiled");
    expect(all(await good())).toEqual(["kept"]);
  });

  it.each<[string, () => void]>([
    ["a file that others may write", () => chmodSync(main, 0o620)],
    ["a link to a file", () => replaceByLink(main)],
    [
      "a directory in place of a file",
      () => {
        rmSync(main);
        mkdirSync(main);
      },
    ],
  ])("does not use %s", async (_, change) => {
    await good();
    change();
    expect((await good())["main.cjs"]).toBe("compiled");
  });

  it.runIf(isRoot)("does not use a file of another user", async () => {
    await good();
    chownSync(main, 65_534, 65_534);
    expect((await good())["main.cjs"]).toBe("compiled");
    expect(statSync(main).uid).toBe(0);
  });

  it.each<[string, () => void]>([
    ["that others may write to", () => chmodSync(compiled, 0o770)],
    ["in one that others may write to", () => chmodSync(caches, 0o777)],
    ["that is a link", () => replaceByLink(compiled)],
    ["below a link", () => replaceByLink(path.dirname(compiled))],
    ...(isRoot
      ? [["of another user", () => chownSync(compiled, 65_534, 65_534)] as [string, () => void]]
      : []),
  ])("neither uses nor fills a directory %s", async (_, change) => {
    await good();
    change();
    const kept = path.join(realpathSync(compiled), "main.cjs");
    const { ino } = statSync(kept);
    expect(all(await good())).not.toContain("kept");
    expect(statSync(kept).ino).toBe(ino);
  });

  it("follows a link to caches that is its user's own", async () => {
    const link = path.join(home, "link");
    symlinkSync(caches, link);
    await good(["run"], { CACHE_DIRECTORY: link });
    expect(all(await good(["run"], { CACHE_DIRECTORY: link }))).toEqual(["kept"]);
    if (!isRoot) return;
    rmSync(link);
    symlinkSync(caches, link);
    lchownSync(link, 65_534, 65_534);
    expect(all(await good(["run"], { CACHE_DIRECTORY: link }))).not.toContain("kept");
  });

  it.each(["/proc", "/proc/self/none", "none/below", "a-file", "not absolute"])(
    "runs as well with no place for it: %s",
    async (place) => {
      writeFileSync(path.join(home, "a-file"), "");
      const inHome = place.startsWith("/") || place === "not absolute" ? place : path.join(home, place);
      const { code, stderr, scripts } = await start(["run"], { CACHE_DIRECTORY: inHome });
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("Error") });
      expect(all(scripts).filter((how) => how !== "compiled")).toEqual([]);
      expect(existsSync(path.join(home, "none"))).toBe(false);
    },
  );

  it("runs as well where it may not write", async () => {
    const ground = withoutRoot(home);
    chmodSync(caches, 0o555);
    expect(all(await good(["run"], {}, ground))).toEqual(["compiled"]);
    expect(readdirSync(caches)).toEqual([]);
  });

  it("runs as well on a full disk, and leaves nothing half there", async () => {
    // A limit on the size of files is met as a full disk is: in the middle of writing.
    const env = { CACHE_DIRECTORY: caches, ...simulator.environment };
    const limit = ["bash", "-c", `trap '' XFSZ; ulimit -f 100; exec "$0" "$@"`];
    const { code, stderr } = await launched(home, ["run"], env, { under: limit });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("Error") });
    const names = readdirSync(compiled);
    expect(names.filter((name) => !name.endsWith(".cjs"))).toEqual([]);
    await good();
    expect(readdirSync(compiled).length, "what did not fit is kept later").toBeGreaterThan(names.length);
    expect(all(await good())).toEqual(["kept"]);
  });

  it("keeps what two simultaneous runs agree on", async () => {
    const both = [good(), good()];
    await Promise.all(both);
    expect(readdirSync(compiled).filter((name) => !name.endsWith(".cjs"))).toEqual([]);
    expect(all(await good())).toEqual(["kept"]);
  });

  it("removes what another version left and what was cut off, but not what is just being written", async () => {
    mkdirSync(compiled, { recursive: true, mode: 0o700 });
    for (const name of ["gone.cjs", "main.cjs.4711", "main.cjs.4712"]) {
      writeFileSync(path.join(compiled, name), "");
      const old = Date.now() / 1000 - 7200;
      if (name !== "main.cjs.4712") utimesSync(path.join(compiled, name), old, old);
    }
    await good();
    const names = readdirSync(compiled);
    expect(names).toContain("main.cjs.4712");
    expect(names).not.toContain("main.cjs.4711");
    expect(names).not.toContain("gone.cjs");
  });

  it("loads chunks that are asked for later", async () => {
    await good();
    const { code, stdout, scripts } = await start(["check-config", "--schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty("$schema");
    expect(scripts).toMatchObject({ "main.cjs": "kept", "json-schema.cjs": "compiled" });
  });
});

it("says which Node is needed", () => {
  const older = `Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.11.0"}})`;
  const words = ["--import", `data:text/javascript,${encodeURIComponent(older)}`, shipped, "--help"];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 78, stdout: "" });
  expect(stderr).toMatch(/^ec2-backup: this is Node\.js v\S+, and 22\.12 or newer is needed/);
});

it("never calls a process well that nothing kept until its work was done", () => {
  const silent = `import fs from "node:fs/promises"; for (const name of ["open", "readFile", "stat", "lstat"]) fs[name] = () => new Promise(() => {});`;
  const words = ["--import", `data:text/javascript,${encodeURIComponent(silent)}`, shipped, "check-config"];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect(stderr).toContain("it ended before its work was done");
  expect(status).toBe(70);
});
