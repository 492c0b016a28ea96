import { execFileSync } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkHooks } from "../../src/agent/check-hooks.ts";
import type { HostProcess } from "../../src/agent/this-host.ts";
import { resolve } from "../../src/config/resolve.ts";
import type { Job } from "../../src/core/job.ts";
import { fileOf } from "../config/file-of.ts";
import { folder, has, isLinux, need } from "../host/places.ts";

const { signal } = new AbortController();

function jobsOf(hooks: readonly object[]): readonly Job[] {
  const text = JSON.stringify({ version: 1, jobs: { db: { hooks } } });
  return resolve({ file: fileOf(`${text}\n`), tags: {} }).jobs;
}

function self(runtimeDirectory: string, platform: string = process.platform): HostProcess {
  return {
    platform,
    pid: process.pid,
    uid: process.getuid?.(),
    env: {},
    home: runtimeDirectory,
    kill: (pid, name) => void process.kill(pid, name),
    files: [],
    runtimeDirectory,
  };
}

describe("a check of hooks", () => {
  test("ends in time, with what it has found until then", async (context) => {
    need(context, isLinux, "/proc");
    const here = await folder();
    const many = Array.from({ length: 2_000 }, () => ({ command: { before: ["/no/such/program"] } }));
    const jobs = jobsOf(many);
    const found = await checkHooks({ jobs, self: self(here), stateDirectory: here }, signal, 50);
    expect(found.faults.length).toBeLessThan(2_000);
    expect(found.warnings).toEqual(["the hooks could not all be checked within 0.05 s"]);
  });

  test("that is interrupted says so", async () => {
    const here = await folder();
    const stop = new AbortController();
    const jobs = jobsOf([{ redis: { passwordFile: "/no/such/file" } }]);
    const checked = checkHooks({ jobs, self: self(here), stateDirectory: here }, stop.signal);
    stop.abort();
    await expect(checked).rejects.toMatchObject({ kind: "interrupted" });
  });

  test("does not wait for who never writes into a pipe", async (context) => {
    need(context, isLinux && has("mkfifo"), "FIFOs of Linux");
    const here = await folder();
    const file = path.join(here, "pipe");
    execFileSync("mkfifo", ["-m", "600", file]);
    const jobs = jobsOf([{ redis: { passwordFile: file } }, { mysql: { optionFile: file } }]);
    const found = await checkHooks({ jobs, self: self(here), stateDirectory: here }, signal);
    const fault = (hook: string) => expect.stringMatching(new RegExp(`${hook}.*it is no regular file`));
    expect(found.faults).toEqual([fault("redis"), fault("mysql")]);
    expect(found.warnings).toEqual([]);
  });

  test("neither connects to a server nor runs anything nor makes a file", async (context) => {
    need(context, isLinux, "Linux");
    const here = await folder();
    const log = path.join(here, "log");
    const optionFile = path.join(here, "my.cnf");
    await writeFile(optionFile, "[client]\nhost=192.0.2.1\n");
    const jobs = jobsOf([
      { command: { before: `touch ${here}/ran`, log } },
      { mysql: { optionFile } },
      { postgres: { host: "192.0.2.1" } },
      { redis: { host: "192.0.2.1" } },
      { mongodb: { uri: "mongodb://192.0.2.1" } },
    ]);
    const found = await checkHooks({ jobs, self: self(here), stateDirectory: here }, signal, 10_000);
    expect(found).toEqual({ faults: [], warnings: [] });
    for (const file of [log, path.join(here, "ran")]) await expect(open(file)).rejects.toThrow("ENOENT");
  });

  test("where mounts cannot be told does not call them wrong", async () => {
    const here = await folder();
    const jobs = jobsOf([{ freeze: ["/data"] }]);
    const found = await checkHooks({ jobs, self: self(here, "darwin"), stateDirectory: here }, signal);
    expect(found).toEqual({
      faults: [],
      warnings: ["jobs.db.hooks[0].freeze.mounts: not checked: mounts can be told on Linux and Windows only"],
    });
  });
});
