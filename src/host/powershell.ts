import { execFile } from "node:child_process";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";

/** How Windows PowerShell is reached. */
export interface PowershellManners {
  /** The path of powershell.exe; see {@link powershellOf}. */
  readonly program: string;
  /** Milliseconds after which it is killed and no longer waited for. */
  readonly timeout: number;
}

/** Windows PowerShell 5.1, which every Windows has, where Windows has it: a PATH is not asked. */
export function powershellOf(env: Readonly<Record<string, string | undefined>>): string {
  const system = path.win32.join(env["SystemRoot"] ?? "C:\\Windows", "System32");
  return path.win32.join(system, "WindowsPowerShell", "v1.0", "powershell.exe");
}

/** Text as a word of PowerShell that nothing is read into. */
export function powershellText(text: string): string {
  return `'${text.replace(/'/g, "''")}'`;
}

/**
 * What a script that prints JSON says, parsed. The script must have no double quotes, which Windows PowerShell
 * loses. Throws a BackupError of kind `unexpected` where it fails, does not end in time or prints no JSON.
 */
export async function askPowershell(
  script: string,
  doing: string,
  { program, timeout }: PowershellManners,
): Promise<unknown> {
  const begin = "$ErrorActionPreference='Stop';[Console]::OutputEncoding=[Text.Encoding]::UTF8;";
  const words = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", begin + script];
  const said = await new Promise<string>((resolve, reject) => {
    const how = { timeout, killSignal: "SIGKILL", windowsHide: true, maxBuffer: 16 * 1024 * 1024 } as const;
    const child = execFile(program, words, how, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const words = stderr.trim().replace(/\s+/g, " ").slice(0, 500);
      const late = error.killed === true ? `no answer within ${timeout / 1000} s` : undefined;
      const ended = typeof error.code === "number" ? words || `it ended with ${error.code}` : codeOf(error);
      reject(failed(doing, late ?? ended, error));
    });
    // It would wait for what is never typed.
    child.stdin?.end();
  });
  try {
    return JSON.parse(said.replace(/^\ufeff/, "")) as unknown;
  } catch (error) {
    throw failed(doing, said.trim() === "" ? "it printed nothing" : "what it printed is no JSON", error);
  }
}

function failed(doing: string, found: string, cause: unknown): BackupError {
  return new BackupError({ kind: "unexpected", doing, found: `PowerShell: ${found}` }, { cause });
}
