import { readdir, readFile, realpath } from "node:fs/promises";
import path from "node:path";

/** What is installed with the program, as text. */
export type ProgramFolder = "policies" | "systemd" | "windows";

/**
 * The place of what is installed with the program: beside the folder that it was started from, whatever link led
 * there.
 * @param program path of what was started.
 */
export async function programFolder(program: string, folder: ProgramFolder): Promise<string> {
  return path.join(path.dirname(await realpath(program)), "..", folder);
}

/** Names of the files of a folder, sorted. @throws the file system's own errors. */
export async function programFiles(program: string, folder: ProgramFolder): Promise<readonly string[]> {
  return (await readdir(await programFolder(program, folder))).sort();
}

/** The text of one of them. @throws the file system's own errors. */
export async function programFile(program: string, folder: ProgramFolder, name: string): Promise<string> {
  return readFile(path.join(await programFolder(program, folder), name), "utf8");
}
