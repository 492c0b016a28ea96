import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BackupError } from "../../src/core/errors.ts";
import {
  registerWindowsTask,
  schtasksOf,
  unregisterWindowsTask,
  type WindowsTask,
  windowsTaskFile,
  windowsTaskIsThere,
  windowsTaskXml,
  windowsWord,
} from "../../src/host/windows-task.ts";
import { folder, has, isLinux, need } from "../host/places.ts";

const windows = path.join(import.meta.dirname, "../../windows");
const template = readFileSync(path.join(windows, "ec2-backup-task.xml"), "utf8");
const schema = path.join(import.meta.dirname, "task.xsd");

const task: WindowsTask = {
  command: "C:\\Program Files\\ec2-backup\\node\\node.exe",
  before: ["C:\\Program Files\\R&D <x>\\ec2-backup.js"],
  folder: "C:\\Program Files\\ec2-backup",
  at: "03:30",
  spread: 90,
};

async function faultsOf(text: string | Buffer): Promise<string> {
  const file = path.join(await folder(), "task.xml");
  writeFileSync(file, text);
  try {
    execFileSync("xmllint", ["--noout", "--nonet", "--schema", schema, file], { stdio: "pipe" });
    return "";
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr);
  }
}

describe("the task's XML", () => {
  test("is valid as it is shipped, as it is filled in, and in the bytes for schtasks.exe", async (context) => {
    need(context, has("xmllint"), "xmllint");
    expect(await faultsOf(template)).toBe("");
    const xml = windowsTaskXml(template, task);
    expect(await faultsOf(xml)).toBe("");
    const bytes = windowsTaskFile(xml);
    expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xfe]));
    expect(await faultsOf(bytes)).toBe("");
  });

  test.for([
    ["a policy that there is not", /IgnoreNew/, "IgnoreAll", "MultipleInstancesPolicy"],
    ["no action", /<Exec>[\s\S]*<\/Exec>/, "", "Actions"],
    [
      "another order",
      /(<Enabled>true<\/Enabled>)(\s*<!--[^>]*-->\s*)(<StartBoundary>[^<]*<\/StartBoundary>)/,
      "$3$2$1",
      "Enabled",
    ],
    ["a time that is none", /PT4H/, "4 hours", "ExecutionTimeLimit"],
    ["a word of its own", /<WakeToRun>false/, "<Wake>no</Wake><WakeToRun>false", "Wake"],
    ["another namespace", /2004\/02\/mit/, "2004/02/MIT", "Task"],
  ] as const)("the schema finds %s", async ([, pattern, instead, words], context) => {
    need(context, has("xmllint"), "xmllint");
    expect(template).toMatch(pattern);
    expect(await faultsOf(template.replace(pattern, instead))).toContain(words);
  });

  test("says what the task is to be", () => {
    const xml = windowsTaskXml(template, task);
    for (const part of [
      "<StartBoundary>2026-01-01T03:30:00</StartBoundary>",
      "<RandomDelay>PT90M</RandomDelay>",
      "<UserId>S-1-5-18</UserId>",
      "<RunLevel>HighestAvailable</RunLevel>",
      "<StartWhenAvailable>true</StartWhenAvailable>",
      "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
      "<ExecutionTimeLimit>PT4H</ExecutionTimeLimit>",
      "<Command>C:\\Program Files\\ec2-backup\\node\\node.exe</Command>",
      '<Arguments>"C:\\Program Files\\R&amp;D &lt;x&gt;\\ec2-backup.js" run</Arguments>',
    ])
      expect(xml).toContain(part);
  });

  test.each(["24:00", "3:30", "", "02:00:00", "now"])("an hour such as %j is refused", (at) => {
    expect(() => windowsTaskXml(template, { ...task, at })).toThrow(BackupError);
  });

  test("what the template lacks is a defect that is told", () => {
    expect(() => windowsTaskXml("<Task/>", task)).toThrow("the task's template has no StartBoundary");
  });
});

test.each([
  ["run", "run"],
  ["", '""'],
  ["C:\\Program Files\\x", '"C:\\Program Files\\x"'],
  ["C:\\a b\\", '"C:\\a b\\\\"'],
  ['say "hi"', '"say \\"hi\\""'],
])("the word %j is written as %s", (word, written) => {
  expect(windowsWord(word)).toBe(written);
});

describe("schtasks.exe", () => {
  /** A program in its place that writes down its words and the file that it is given. */
  async function stand(code: number, query = 0) {
    const here = await folder();
    const program = path.join(here, "schtasks");
    const script =
      `#!/bin/sh\nfor w; do printf '%s\\n' "$w" >> ${here}/words; done\n` +
      `[ "$1" = /Query ] && exit ${query}\n[ "$4" = /XML ] && cp "$5" ${here}/given.xml\n` +
      `echo 'ERROR: Access is denied.' >&2\nexit ${code}\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const words = () => readFileSync(path.join(here, "words"), "utf8").trimEnd().split("\n");
    return { manners: { program, timeout: 5_000 }, words, given: path.join(here, "given.xml") };
  }

  test("is given the file and replaces what is there", async (context) => {
    need(context, isLinux, "a shell");
    const { manners, words, given } = await stand(0);
    await registerWindowsTask(windowsTaskXml(template, task), manners);
    expect(words().filter((_, index) => index !== 4)).toEqual([
      "/Create",
      "/TN",
      "ec2-backup-run",
      "/XML",
      "/F",
    ]);
    expect(readFileSync(given).toString("utf16le")).toContain('encoding="UTF-16"');
  });

  test("removes the task where there is one", async (context) => {
    need(context, isLinux, "a shell");
    const there = await stand(0);
    expect(await unregisterWindowsTask(there.manners)).toBe(true);
    expect(there.words()).toEqual([
      "/Query",
      "/TN",
      "ec2-backup-run",
      "/Delete",
      "/TN",
      "ec2-backup-run",
      "/F",
    ]);
    const absent = await stand(0, 1);
    expect(await unregisterWindowsTask(absent.manners)).toBe(false);
    expect(absent.words()).toEqual(["/Query", "/TN", "ec2-backup-run"]);
  });

  test("a refusal is told with its words, a program that hangs or is absent by its name", async (context) => {
    need(context, isLinux, "a shell");
    const { manners } = await stand(1);
    await expect(registerWindowsTask("<Task/>", manners)).rejects.toThrow("Access is denied");
    const hanging = path.join(await folder(), "schtasks");
    writeFileSync(hanging, "#!/bin/sh\nexec sleep 30\n", { mode: 0o755 });
    await expect(windowsTaskIsThere({ program: hanging, timeout: 200 })).rejects.toThrow("did not answer");
    await expect(windowsTaskIsThere({ program: "/none", timeout: 200 })).rejects.toThrow("ENOENT");
  });

  test("is looked for where Windows has it, and nowhere else", () => {
    expect(schtasksOf({ SystemRoot: "D:\\Win" })).toBe("D:\\Win\\System32\\schtasks.exe");
    expect(schtasksOf({ PATH: "C:\\evil" })).toBe("C:\\Windows\\System32\\schtasks.exe");
  });
});
