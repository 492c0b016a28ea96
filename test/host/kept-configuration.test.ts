import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { keptConfiguration } from "../../src/host/kept-configuration.ts";

const uid = process.getuid?.() ?? 0;
const content = { config: { version: 1 }, lines: [["version", 1]] };

async function caches(): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "ec2-backup-kept-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const fileIn = (place: string) => path.join(place, "ec2-backup", "configuration.json");

describe.skipIf(process.getuid === undefined)("what was made of a configuration", () => {
  test("is found by the same program for the same text, and for nothing else", async () => {
    const place = await caches();
    const kept = keptConfiguration(place, "program v24", uid);
    expect(await kept.find("version: 1\n")).toBe(undefined);
    await kept.keep("version: 1\n", content);
    expect(await kept.find("version: 1\n")).toEqual(content);
    expect(await kept.find("version: 1")).toBe(undefined);
    expect(await keptConfiguration(place, "program v26", uid).find("version: 1\n")).toBe(undefined);
    expect((await stat(fileIn(place))).mode & 0o777).toBe(0o600);
    expect(await readdir(path.dirname(fileIn(place))), "nothing else is left").toEqual([
      "configuration.json",
    ]);
  });

  test("gives way to that of the next text", async () => {
    const kept = keptConfiguration(await caches(), "program", uid);
    await kept.keep("one", content);
    await kept.keep("two", content);
    expect(await kept.find("one")).toBe(undefined);
    expect(await kept.find("two")).toEqual(content);
  });

  test.each([
    ["cut off", (text: string) => text.slice(0, -5)],
    ["empty", () => ""],
    ["of another shape", () => '{"content":1}'],
    ["of another key", (text: string) => text.replace(/[0-9a-f]{64}/, "0".repeat(64))],
  ])("is not believed when it is %s", async (_, damaged) => {
    const place = await caches();
    const kept = keptConfiguration(place, "program", uid);
    await kept.keep("text", content);
    await writeFile(fileIn(place), damaged(await readFile(fileIn(place), "utf8")));
    expect(await kept.find("text")).toBe(undefined);
  });

  test.each(["the file", "its directory", "the directory for caches"])(
    "is not believed, nor written, where others may write %s",
    async (what) => {
      const place = await caches();
      const kept = keptConfiguration(place, "program", uid);
      await kept.keep("text", content);
      const file = fileIn(place);
      await chmod(what === "the file" ? file : what === "its directory" ? path.dirname(file) : place, 0o777);
      expect(await kept.find("text")).toBe(undefined);
      if (what === "the file") return;
      await rm(file);
      await kept.keep("text", content);
      expect(await readdir(path.dirname(file))).toEqual([]);
    },
  );

  test("is not kept where there is no directory for caches: none is made", async () => {
    const place = path.join(await caches(), "not", "there");
    const kept = keptConfiguration(place, "program", uid);
    await kept.keep("text", content);
    await expect(stat(path.dirname(place))).rejects.toThrow("ENOENT");
    await mkdir(place, { recursive: true });
    expect(await kept.find("text")).toBe(undefined);
  });
});
