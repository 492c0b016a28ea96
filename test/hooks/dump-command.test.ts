import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { CommandDumpConfig } from "../../src/core/dump-config.ts";
import { folder, isLinux, isRoot, need, node } from "../host/places.ts";
import { script, sources, sumOf, textOf, written } from "./dumping.ts";

const base = { kind: "command", name: "ldap", repository: "central" } as const;

async function streamOf(config: Partial<CommandDumpConfig> & Pick<CommandDumpConfig, "run">) {
  const [stream, ...more] = await sources({ ...base, ...config });
  if (stream === undefined || more.length > 0) throw new Error("not one stream");
  return stream;
}

function shell(text: string): readonly string[] {
  return ["/bin/sh", "-c", text];
}

/** Whether nobody runs the command, by whatever path. */
async function gone(command: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "args"]);
  return !stdout.split("\n").some((line) => line === command || line === `/usr/bin/${command}`);
}

describe.skipIf(!isLinux)("the dump of a program", () => {
  it("is what it prints, in one series of the dump's name", async () => {
    const stream = await streamOf({ run: ["printf", "%s", "whole"], file: "ldap.ldif" });
    expect(stream).toMatchObject({
      series: "ldap",
      source: { file: "ldap.ldif" },
      content: { kind: "command", format: "bytes" },
      tags: { kind: "command", format: "bytes" },
    });
    expect(await textOf(stream)).toBe("whole");
    expect((await streamOf({ run: ["true"] })).source.file).toBe("ldap");
  });

  it("fails with its last words when the program fails at the last byte", async () => {
    const stream = await streamOf({ run: shell("echo all of it; echo the disk said no >&2; exit 3") });
    await expect(written(stream)).rejects.toMatchObject({
      kind: "refused",
      doing: "dump ldap of ldap",
      found: "its program ended with 3; it said: the disk said no",
    });
  });

  it("fails when the program is killed, whatever it had printed", async () => {
    const stream = await streamOf({ run: shell("echo half; kill -9 $$") });
    await expect(written(stream)).rejects.toMatchObject({ found: /^its program was ended by SIGKILL/ });
  });

  it("fails when the program leaves somebody who could still write, and ends them", async () => {
    const stream = await streamOf({ run: shell("echo half; (sleep 4711; echo rest) & exit 0") });
    await expect(written(stream)).rejects.toMatchObject({
      found: /left others running that could still write/,
    });
    expect(await gone("sleep 4711")).toBe(true);
  });

  it("waits for those who end by themselves soon after", async () => {
    const stream = await streamOf({ run: shell("(sleep 0.3; echo rest) & echo first; exit 0") });
    expect(await textOf(stream)).toBe("first\nrest\n");
  });

  it("is ended with all it started when it takes too long, though it ends with 0 then", async () => {
    const stream = await streamOf({ run: shell("trap 'exit 0' TERM; sleep 4712 & wait"), timeout: 300 });
    await expect(written(stream)).rejects.toMatchObject({
      kind: "refused",
      found: /^it was not done after 300ms; it was told to end and did/,
    });
    expect(await gone("sleep 4712")).toBe(true);
  });

  it("is killed when it does not heed that", async () => {
    const stream = await streamOf({ run: shell("trap '' TERM; while :; do sleep 0.05; done"), timeout: 300 });
    await expect(written(stream)).rejects.toMatchObject({ found: /did not heed SIGTERM and was killed/ });
  });

  it("is ended when it does nothing for too long, but not while it does something", async () => {
    const hangs = await streamOf({ run: shell("echo begun; sleep 4713"), idleTimeout: 400 });
    await expect(written(hangs)).rejects.toMatchObject({
      found: /did nothing for 400ms/,
      remedy: /idleTimeout/,
    });
    expect(await gone("sleep 4713")).toBe(true);
    const slow = await streamOf({
      run: shell("for i in 1 2 3 4 5 6; do sleep 0.3; echo $i; done"),
      idleTimeout: 1_000,
    });
    expect(await textOf(slow)).toBe("1\n2\n3\n4\n5\n6\n");
  });

  it("is not idle while the reader of what it prints is slow", async (context) => {
    need(context, isRoot, "root, to see where a process waits");
    const fifo = path.join(await folder(), "fifo");
    await promisify(execFile)("mkfifo", [fifo]);
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(fifo, constants.O_WRONLY);
    try {
      const stream = await streamOf({ run: ["head", "-c", "200000", "/dev/zero"], idleTimeout: 300 });
      const { done } = stream.source.start(writing, new AbortController().signal);
      let isOver = false;
      const over = (): void => {
        isOver = true;
      };
      done.then(over, over);
      await pause(1_500);
      expect(isOver).toBe(false);
      const reader = spawn("cat", { stdio: [reading, "ignore", "ignore"] });
      await done;
      reader.kill();
    } finally {
      closeSync(writing);
      closeSync(reading);
    }
  });

  it("ends when the run is told to stop", async () => {
    const stream = await streamOf({ run: shell("sleep 4714") });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    await expect(written(stream, stop.signal)).rejects.toMatchObject({ kind: "interrupted" });
    expect(await gone("sleep 4714")).toBe(true);
  });

  it("dies with the agent, however that dies", async (context) => {
    need(context, isRoot, "root, to become another user");
    for (const user of ["", "nobody"]) {
      const starter = path.join(import.meta.dirname, "dump-starter.ts");
      const [program = "", ...words] = [...node, starter, user, "sleep", "4715"];
      const agent = spawn(program, words, { stdio: ["ignore", "ignore", "ignore"] });
      const ended = once(agent, "exit");
      onTestFinished(() => void agent.kill("SIGKILL"));
      await vi.waitUntil(async () => !(await gone("sleep 4715")), { timeout: 30_000 });
      agent.kill("SIGKILL");
      await ended;
      await vi.waitUntil(() => gone("sleep 4715"), { timeout: 10_000 });
    }
  });

  it("sees nothing of the agent's environment but what the configuration names", async () => {
    const [stream] = await sources(
      { ...base, run: ["env"], env: { SHOP: "yes" } },
      { env: { AWS_SECRET_ACCESS_KEY: "do-not-tell", PATH: "/tmp" } },
    );
    const env = await textOf(stream as never);
    expect(env).toMatch(/^SHOP=yes$/m);
    expect(env).not.toMatch(/do-not-tell|\/tmp/);
  });

  it("keeps its secrets out of the failure", async () => {
    const stream = await streamOf({
      run: shell('echo "cannot log in with $DB_PASSWORD" >&2; exit 1'),
      env: { DB_PASSWORD: "correct-horse" },
    });
    const error = await written(stream).catch((one: Error) => one);
    expect(String(error)).toMatch(/cannot log in with \*\*\*/);
  });

  it("is refused when others could write the program, or there is none", async () => {
    const place = await folder();
    const file = await script(place, "dump", "echo x");
    expect(await textOf(await streamOf({ run: [file] }))).toBe("x\n");
    await chmod(file, 0o777);
    await expect(streamOf({ run: [file] })).rejects.toMatchObject({ kind: "configuration", found: /0777/ });
    await expect(streamOf({ run: ["no-such-program"] })).rejects.toMatchObject({ kind: "configuration" });
  });

  it("runs as another user", async (context) => {
    need(context, isRoot, "root, to become another user");
    expect(await textOf(await streamOf({ run: ["id", "-un"], user: "nobody" }))).toBe("nobody\n");
    await expect(streamOf({ run: ["id"], user: "no-such-user" })).rejects.toMatchObject({
      found: /no user no-such-user/,
    });
  });
});

describe.skipIf(!isLinux)("a dump by way of a directory", () => {
  it("is the same, and leaves nothing there", async () => {
    const spool = path.join(await folder(), "spool");
    const stream = await streamOf({ run: ["head", "-c", "3000000", "/dev/urandom"], spool });
    const file = await written(stream);
    expect((await stat(file)).size).toBe(3_000_000);
    expect((await stat(spool)).mode & 0o777).toBe(0o700);
    expect(await readdir(spool)).toEqual([]);
    const text = await streamOf({ run: ["seq", "1", "100000"], spool });
    const straight = await streamOf({ run: ["seq", "1", "100000"] });
    expect(await sumOf(await written(text))).toBe(await sumOf(await written(straight)));
  });

  it("hands nothing over of a program that fails, or that printed nothing", async () => {
    const place = await folder();
    const spool = path.join(place, "spool");
    const fails = await streamOf({ run: shell("echo half; exit 1"), spool });
    await expect(written(fails, undefined, place)).rejects.toMatchObject({ found: /ended with 1/ });
    expect((await stat(path.join(place, "stream"))).size).toBe(0);
    await expect(written(await streamOf({ run: ["true"], spool }))).rejects.toMatchObject({
      found: "it ended with 0 but wrote nothing",
    });
    expect(await readdir(spool)).toEqual([]);
  });

  it("is in no directory that others may use or exchange", async () => {
    const place = await folder();
    const open = path.join(place, "open");
    await mkdir(open, { mode: 0o755 });
    await chmod(open, 0o755);
    const refused = async (spool: string) => written(await streamOf({ run: ["echo", "x"], spool }));
    await expect(refused(open)).rejects.toMatchObject({ kind: "configuration", found: /mode 0755/ });
    const link = path.join(place, "link");
    await symlink(open, link);
    await expect(refused(link)).rejects.toMatchObject({ found: "it is no directory" });
    const shared = path.join(place, "shared");
    await mkdir(shared);
    await chmod(shared, 0o777);
    await expect(refused(path.join(shared, "mine"))).rejects.toMatchObject({ kind: "configuration" });
    await expect(refused(path.join(place, "no", "where"))).rejects.toMatchObject({ kind: "cannot-write" });
  });

  it("touches nothing there but its own left-overs", async () => {
    const spool = path.join(await folder(), "spool");
    await mkdir(spool, { mode: 0o700 });
    const own = `ec2-backup-dump-${crypto.randomUUID()}`;
    for (const name of [own, "data.json", "ec2-backup-dump-old", `${own}.json`])
      await writeFile(path.join(spool, name), "x");
    expect(await readFile(await written(await streamOf({ run: ["echo", "x"], spool })), "utf8")).toBe("x\n");
    expect((await readdir(spool)).sort()).toEqual(["data.json", "ec2-backup-dump-old", `${own}.json`].sort());
  });
});
