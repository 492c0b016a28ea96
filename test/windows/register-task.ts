// Run by a Node of Windows: registers the task, asks for it and removes it, by the schtasks.exe of the system.
import { readFileSync } from "node:fs";
import path from "node:path";
import {
  registerWindowsTask,
  schtasksOf,
  unregisterWindowsTask,
  windowsTaskIsThere,
  windowsTaskXml,
} from "../../src/host/windows-task.ts";

const template = readFileSync(path.join(import.meta.dirname, "../../windows/ec2-backup-task.xml"), "utf8");
const manners = { program: schtasksOf(process.env), timeout: 20_000 };
const task = {
  command: "C:\\a b\\node.exe",
  before: ["C:\\a b\\x.js"],
  folder: "C:\\a b",
  at: "04:05",
  spread: 30,
};

await registerWindowsTask(windowsTaskXml(template, task), manners);
console.log(await windowsTaskIsThere(manners), await unregisterWindowsTask(manners));
