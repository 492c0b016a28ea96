import { stat } from "node:fs/promises";
import path from "node:path";
import type { CommandLine } from "../core/hook-config.ts";

const interpreter = /^(?:(?:ba|da|k|z|a)?sh|(?:python|perl|ruby|node|php)[\d.]*)$/;

/**
 * The programs that a command names by their absolute paths beside its first word: a script given to a shell, what
 * `nice` or `env` starts, those of a line. What a line builds of variables cannot be told.
 */
export async function namedPrograms(line: CommandLine): Promise<string[]> {
  const named: string[] = [];
  for (const { file, script } of filesOf(line)) if (await isProgram(file, script)) named.push(file);
  return named;
}

function filesOf(line: CommandLine): { file: string; script: boolean }[] {
  // Of a list the first word is looked up and judged apart; of a line the shell is.
  const words = typeof line === "string" ? ["", ...line.split(/[\s;&|()<>`"'=]+/)] : line;
  return words
    .slice(1)
    .map((file, index) => ({ file, script: interpreter.test(path.basename(words[index] ?? "")) }))
    .filter(({ file }) => path.isAbsolute(file));
}

/** A script that is handed to its interpreter need not be executable. */
async function isProgram(file: string, script: boolean): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined);
  return stats?.isFile() === true && (script || (stats.mode & 0o111) !== 0);
}
