import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { folder, has, isLinux, isRoot, need } from "./host/places.ts";
import { promptly, Speaker } from "./system/log-speaker.ts";
import { until } from "./system/rsyslog.ts";

const lines = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);

/** The messages in the file and in those put aside, oldest first. */
function messages(file: string): string[] {
  const older = readdirSync(path.dirname(file))
    .filter((name) => /\.\d+$/.test(name))
    .sort((a, b) => Number(b.split(".").at(-1)) - Number(a.split(".").at(-1)));
  return [...older.map((name) => path.join(path.dirname(file), name)), file].flatMap((one) =>
    readFileSync(one, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^\S+Z info: /, "")),
  );
}

describe("a log file", () => {
  test("has every line with its time, is its owner's alone, and is complete when the process ends", async () => {
    const file = path.join(await folder(), "agent.log");
    const speaker = new Speaker({ file: { path: file, maxSize: 1_000_000, maxFiles: 2 } });
    speaker.say(...lines("line", 500));
    const { code, told } = await speaker.end();
    expect({ code, told }).toEqual({ code: 0, told: [] });
    expect(messages(file)).toEqual(lines("line", 500));
    expect(readFileSync(file, "utf8")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info: line-0\n/);
    if (isLinux) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("is put aside when it is full, and no more files are kept than are asked for", async () => {
    const file = path.join(await folder(), "agent.log");
    const speaker = new Speaker({ file: { path: file, maxSize: 1_024, maxFiles: 3 } });
    for (const line of lines("line", 100)) {
      speaker.say(line);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await speaker.end();
    expect(readdirSync(path.dirname(file)).sort()).toEqual(["agent.log", "agent.log.1", "agent.log.2"]);
    const kept = messages(file);
    expect(kept).toEqual(lines("line", 100).slice(-kept.length));
    expect(kept.length).toBeGreaterThan(30);
    for (const name of readdirSync(path.dirname(file)))
      expect(statSync(path.join(path.dirname(file), name)).size).toBeLessThanOrEqual(1_024);
  });

  test("takes the lines of several processes while it is put aside, and loses none", async () => {
    const file = path.join(await folder(), "agent.log");
    const sink = { file: { path: file, maxSize: 1_024, maxFiles: 100 } };
    const speakers = Array.from({ length: 4 }, () => new Speaker(sink));
    for (let round = 0; round < 200; round++) {
      for (const [index, speaker] of speakers.entries()) speaker.say(`${index}-${round}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const speaker of speakers) speaker.say("end");
    await Promise.all(speakers.map((speaker) => speaker.end()));
    expect(readdirSync(path.dirname(file)).length).toBeGreaterThan(2);
    const wanted = speakers.flatMap((_, index) => lines(String(index), 200));
    expect(messages(file).sort()).toEqual([...wanted, ...speakers.map(() => "end")].sort());
  });

  test("is put aside though a process died while it did so", async () => {
    const file = path.join(await folder(), "agent.log");
    const lock = `${file}.lock`;
    mkdirSync(lock);
    utimesSync(lock, 0, 0);
    const speaker = new Speaker({ file: { path: file, maxSize: 1_024, maxFiles: 9 } });
    for (const line of lines("line", 60)) {
      speaker.say(line);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { told } = await speaker.end();
    expect(told).toEqual([]);
    expect(messages(file)).toEqual(lines("line", 60));
    expect(readdirSync(path.dirname(file))).toContain("agent.log.1");
    expect(readdirSync(path.dirname(file))).not.toContain("agent.log.lock");
  });

  test("on a full disk is told once, stops nothing, and goes on with a whole line when there is room", async (context) => {
    need(context, isLinux && isRoot && has("mount"), "root on Linux and mount");
    const disk = await folder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    context.onTestFinished(() => void execFileSync("umount", ["--lazy", disk]));
    const file = path.join(disk, "agent.log");
    const ballast = path.join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(60 * 1024));
    const speaker = new Speaker({ file: { path: file, maxSize: 1_000_000, maxFiles: 2 } });
    const long = lines("line", 60).map((line) => `${line} ${"x".repeat(200)}`);
    speaker.say(...long);
    await until(() => speaker.told.length > 0, "the full disk to be told");
    expect(speaker.told[0]).toMatch(/^the log's file .* fails: ENOSPC/);
    execFileSync("rm", [ballast]);
    speaker.say("afterwards");
    await until(() => messages(file).includes("afterwards"), "the last line");
    const { code, told } = await speaker.end();
    expect(code).toBe(0);
    expect(told).toHaveLength(1);
    const whole = messages(file).filter((line) => long.includes(line));
    expect(whole.slice(-60)).toEqual(long);
  });

  test("that stays full to the end is told with the number of lines, and delays nothing", async (context) => {
    need(context, isLinux && isRoot && has("mount"), "root on Linux and mount");
    const disk = await folder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", disk]);
    context.onTestFinished(() => void execFileSync("umount", ["--lazy", disk]));
    writeFileSync(path.join(disk, "ballast"), Buffer.alloc(8 * 1024));
    const file = path.join(disk, "agent.log");
    const speaker = new Speaker({ file: { path: file, maxSize: 1_000, maxFiles: 2 } });
    speaker.say("one", "two");
    await until(() => speaker.told.length > 0, "the full disk to be told");
    const { code, ending, told } = await speaker.end();
    expect(code).toBe(0);
    expect(ending).toBeLessThan(promptly);
    expect(told).toEqual([
      expect.stringMatching(/ENOSPC/),
      `lines of the log did not reach the file ${file}: 2 not delivered at the end`,
    ]);
  });

  test.each([
    ["a link to somebody's file", (at: string) => symlinkSync("/etc/passwd", at), "a symbolic link"],
    ["a pipe that nobody reads", (at: string) => execFileSync("mkfifo", [at]), "a pipe"],
    ["a directory", (at: string) => mkdirSync(at), "EISDIR"],
    ["a file in no directory", () => undefined, "ENOENT"],
  ])("is never %s, and that is told", async (name, make, found) => {
    if (!isLinux) return;
    const here = await folder();
    const file = name === "a file in no directory" ? path.join(here, "no", "log") : path.join(here, "log");
    make(file);
    const before = readFileSync("/etc/passwd", "utf8");
    const speaker = new Speaker({ file: { path: file, maxSize: 1_000, maxFiles: 2 } });
    speaker.say("one");
    await until(() => speaker.told.length > 0, "the fault to be told");
    const { code, ending, told } = await speaker.end();
    expect(code).toBe(0);
    expect(ending).toBeLessThan(promptly);
    expect(told[0]).toContain(found);
    expect(readFileSync("/etc/passwd", "utf8")).toBe(before);
  });
});
