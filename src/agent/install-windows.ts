import { realpath } from "node:fs/promises";
import path from "node:path";
import { programFile } from "../host/program-files.ts";
import {
  registerWindowsTask,
  schtasksOf,
  unregisterWindowsTask,
  type WindowsTask,
  windowsTaskIsThere,
  windowsTaskName,
  windowsTaskXml,
} from "../host/windows-task.ts";
import type { InstallHost } from "./install.ts";

/** Milliseconds that schtasks.exe may take. */
const patience = 60_000;

/** What install would register with the Task Scheduler. */
export interface WindowsPlan {
  readonly name: string;
  readonly task: WindowsTask;
  readonly xml: string;
  /** Whether a task of the name is there, which is replaced. */
  readonly there: boolean;
}

/** Looks for the task and decides. Changes nothing. */
export async function windowsPlan(host: InstallHost): Promise<WindowsPlan> {
  const program = await realpath(host.program);
  // The program as one file brings its own Node.
  const isOneFile = program === host.execPath;
  const task: WindowsTask = {
    command: host.execPath,
    before: isOneFile ? [] : [program],
    folder: isOneFile ? path.dirname(program) : path.dirname(path.dirname(program)),
    at: "02:00",
    spread: 60,
  };
  const template = await programFile(host.program, "windows", "ec2-backup-task.xml");
  const there = await windowsTaskIsThere(mannersOf(host));
  return { name: windowsTaskName, task, xml: windowsTaskXml(template, task), there };
}

/** Registers the task, or replaces the one of its name. @throws BackupError */
export function applyWindows({ xml }: WindowsPlan, host: InstallHost): Promise<void> {
  return registerWindowsTask(xml, mannersOf(host));
}

/** Whether the task is there, for who is about to remove it. @throws BackupError */
export function windowsTaskThere(host: InstallHost): Promise<boolean> {
  return windowsTaskIsThere(mannersOf(host));
}

/** Removes the task; false if there was none. @throws BackupError */
export function removeWindows(host: InstallHost): Promise<boolean> {
  return unregisterWindowsTask(mannersOf(host));
}

function mannersOf({ env }: InstallHost): { readonly program: string; readonly timeout: number } {
  return { program: schtasksOf(env), timeout: patience };
}
