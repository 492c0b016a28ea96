import path from "node:path";

/** A path as it is meant in the directory that we were started in. */
export function absolutePath(given: string): string {
  return path.resolve(given);
}

/** The same of a place to write to: a slash at its end says that it is a directory. */
export function absoluteTarget(given: string): string {
  const whole = path.resolve(given);
  return /[/\\]$/.test(given) && whole !== path.parse(whole).root ? `${whole}/` : whole;
}
