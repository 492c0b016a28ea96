import { quoted } from "./fault.ts";

/** The way to a value in the file: `["jobs", "default", "volumes", "exclude", 0, "tag"]`. */
export type Path = readonly (string | number)[];

/** The path as people write it: `jobs.default.volumes.exclude[0].tag`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => `${text}${stepText(step, text === "")}`, "");
}

function stepText(step: string | number, first: boolean): string {
  if (typeof step === "number") return `[${step}]`;
  if (!/^[\w-]+$/.test(step)) return `[${quoted(step)}]`;
  return first ? step : `.${step}`;
}
