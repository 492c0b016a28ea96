import { readdir, readFile, realpath } from "node:fs/promises";
import path from "node:path";

/** What is installed with the program, as text. */
export type ProgramFolder = "policies" | "systemd" | "windows";

/** Where the program is one file, it has the texts in itself. */
declare const __PROGRAM_FILES__:
  | Readonly<Record<ProgramFolder, Readonly<Record<string, string>>>>
  | undefined;
const inside = typeof __PROGRAM_FILES__ === "undefined" ? undefined : __PROGRAM_FILES__;

/**
 * The place of what is installed with the program: beside the folder that it was started from, whatever link led
 * there. A program that is one file has no such place.
 * @param program path of what was started.
 */
export async function programFolder(program: string, folder: ProgramFolder): Promise<string> {
  return path.join(path.dirname(await realpath(program)), "..", folder);
}

/** Names of the files and folders in a folder, sorted. @throws the file system's own errors. */
export async function programFiles(program: string, folder: ProgramFolder): Promise<readonly string[]> {
  if (inside !== undefined)
    return [...new Set(Object.keys(inside[folder]).map((name) => name.replace(/\/.*/, "")))].sort();
  return (await readdir(await programFolder(program, folder))).sort();
}

/** The text of one of them. @throws the file system's own errors, or one that is like them. */
export async function programFile(program: string, folder: ProgramFolder, name: string): Promise<string> {
  const text = inside?.[folder][name];
  if (text !== undefined) return text;
  if (inside !== undefined)
    throw Object.assign(new Error(`${folder}/${name} is not in this program`), { code: "ENOENT" });
  return readFile(path.join(await programFolder(program, folder), name), "utf8");
}
