import { defaultLogFile, defaultSettings, defaultSyslog, type Settings } from "./defaults.ts";
import { Origins } from "./origins.ts";
import type { FileConfig } from "./schema.ts";

/** The log as the file and the flag have it, on top of what is built in. */
export function logOf(
  given: FileConfig["log"] = {},
  level?: Settings["log"]["level"],
  origins: Origins = new Origins(undefined),
): Settings["log"] {
  const { file, syslog, ...plain } = given;
  const { log } = defaultSettings;
  const picked = filled(["log"], plain, log, origins);
  for (const sink of ["file", "syslog"] as const)
    if (given[sink] === undefined) origins.note(["log", sink], "built-in");
  if (level !== undefined) origins.note(["log", "level"], "flag --log-level");
  const host = syslog?.protocol?.endsWith("6") ? "::1" : defaultSyslog.host;
  return {
    ...picked,
    level: level ?? picked.level,
    ...(file && { file: filled(["log", "file"], file, { ...defaultLogFile, path: file.path }, origins) }),
    ...(syslog && { syslog: filled(["log", "syslog"], syslog, { ...defaultSyslog, host }, origins) }),
  };
}

/** Every key of the built-in values, from the file where it says something. */
function filled<T extends object>(path: string[], given: Partial<T>, builtIn: T, origins: Origins): T {
  const keys = Object.keys(builtIn) as (keyof T & string)[];
  return Object.fromEntries(
    keys.map((key) => [key, origins.pick([...path, key], given[key], builtIn[key])]),
  ) as T;
}
