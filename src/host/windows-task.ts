import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";

/** The name of the task in the root folder of the Task Scheduler. */
export const windowsTaskName = "ec2-backup-run";

/** What a scheduled task of Windows is made of, beside what windows/ec2-backup-task.xml says for all. */
export interface WindowsTask {
  /** The Node that runs the agent, or the agent itself where it is one executable. */
  readonly command: string;
  /** Words before `run`: the agent's program where `command` is a Node. */
  readonly before: readonly string[];
  /** The folder that it runs in. */
  readonly folder: string;
  /** The local hour and minute of the daily run, `HH:MM`. */
  readonly at: string;
  /** Minutes over which the instances of a fleet spread. */
  readonly spread: number;
}

/** How schtasks.exe is reached. */
export interface SchtasksManners {
  /** The path of schtasks.exe; see {@link schtasksOf}. */
  readonly program: string;
  /** Milliseconds after which it is not waited for any longer. */
  readonly timeout: number;
}

/** Where Windows has it: never looked for in a PATH that others may have a say in. */
export function schtasksOf(env: Readonly<Record<string, string | undefined>>): string {
  return path.win32.join(env["SystemRoot"] ?? "C:\\Windows", "System32", "schtasks.exe");
}

/**
 * The task as XML. `template` is the text of windows/ec2-backup-task.xml, of which the values of the same names
 * are replaced. Throws a BackupError of kind `usage` for an hour that is none.
 */
export function windowsTaskXml(template: string, task: WindowsTask): string {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(task.at))
    throw new BackupError({
      kind: "usage",
      doing: "make the task",
      found: `${task.at} is no hour such as 02:00`,
    });
  const words = [...task.before, "run"].map(windowsWord).join(" ");
  const values: Readonly<Record<string, string>> = {
    StartBoundary: `2026-01-01T${task.at}:00`,
    RandomDelay: `PT${Math.max(0, Math.round(task.spread))}M`,
    Command: task.command,
    Arguments: words,
    WorkingDirectory: task.folder,
  };
  let text = template;
  for (const [name, value] of Object.entries(values)) {
    const element = new RegExp(`<${name}>[^<]*</${name}>`);
    if (!element.test(text)) throw new Error(`the task's template has no ${name}`);
    text = text.replace(element, () => `<${name}>${escaped(value)}</${name}>`);
  }
  return text;
}

/** The bytes of the file that schtasks.exe reads: UTF-16 with its mark, and the declaration says so. */
export function windowsTaskFile(xml: string): Buffer {
  const declared = xml.replace(/^<\?xml[^?]*\?>/, '<?xml version="1.0" encoding="UTF-16"?>');
  return Buffer.from(`\ufeff${declared.replace(/\r?\n/g, "\r\n")}`, "utf16le");
}

/**
 * Registers the task, or replaces the one of that name. Throws a BackupError of kind `cannot-write` where
 * schtasks.exe refuses, as it does to everybody but administrators, or does not answer.
 */
export async function registerWindowsTask(xml: string, manners: SchtasksManners): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-task-"));
  try {
    const file = path.join(folder, "task.xml");
    await writeFile(file, windowsTaskFile(xml), { flag: "wx" });
    await schtasks(["/Create", "/TN", windowsTaskName, "/XML", file, "/F"], "register the task", manners);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether the task is registered. Throws a BackupError where that cannot be told. */
export async function windowsTaskIsThere(manners: SchtasksManners): Promise<boolean> {
  const ended = await ask(["/Query", "/TN", windowsTaskName], "look for the task", manners);
  return ended.code === 0;
}

/** Removes the task; false if there was none. Throws a BackupError as registering does. */
export async function unregisterWindowsTask(manners: SchtasksManners): Promise<boolean> {
  if (!(await windowsTaskIsThere(manners))) return false;
  await schtasks(["/Delete", "/TN", windowsTaskName, "/F"], "remove the task", manners);
  return true;
}

interface Ended {
  readonly code: number;
  readonly said: string;
}

async function schtasks(words: readonly string[], doing: string, manners: SchtasksManners): Promise<void> {
  const { code, said } = await ask(words, doing, manners);
  if (code === 0) return;
  const remedy = "run it as an administrator (an elevated prompt)";
  // What it says is in the language of the system, so only that it refuses is known for sure.
  throw new BackupError({
    kind: "cannot-write",
    doing,
    found: said || `schtasks ended with ${code}`,
    remedy,
  });
}

/** Without a shell: words with quotes, %, & and ^ reach it as they are. */
function ask(words: readonly string[], doing: string, { program, timeout }: SchtasksManners): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      words,
      { timeout, killSignal: "SIGKILL", windowsHide: true },
      (error, stdout, stderr) => {
        const said = `${stderr} ${stdout}`.trim().replace(/\s+/g, " ").slice(0, 500);
        if (error === null) return resolve({ code: 0, said });
        if (typeof error.code === "number") return resolve({ code: error.code, said });
        const found = error.killed ? `schtasks did not answer within ${timeout / 1000} s` : codeOf(error);
        reject(
          new BackupError({ kind: "cannot-write", doing, found: `${program}: ${found}` }, { cause: error }),
        );
      },
    );
  });
}

/** A word as the C runtime of Windows reads it from a command line. */
export function windowsWord(word: string): string {
  if (word !== "" && !/[\s"]/.test(word)) return word;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
