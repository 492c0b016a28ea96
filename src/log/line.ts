import type { LogLevel } from "../core/ports.ts";

/** One line as it goes to a sink beside the console: rendered, without a time of its own if it is text. */
export interface Line {
  readonly level: LogLevel;
  readonly text: string;
  readonly at: Date;
}

/** What winston hands on: level, message and the fields. */
export interface Info {
  readonly level: string;
  readonly message: unknown;
}

/** What turns the direction of writing, so that a line reads otherwise than it is. */
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The same in JSON, and what some readers take for the end of a line though JSON does not. */
const unescaped = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What others wrote (names, tags, answers) neither begins a line of its own nor speaks to the terminal. */
export function textOf({ level, message, ...fields }: Info): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  const line = [`${level}:`, String(message), ...facts].join(" ");
  // Each sign is looked at once, also of a megabyte of blanks.
  return line
    .replace(/[\s\p{Cc}]+/gu, (gap) => (/[\p{Cc}\u2028\u2029]/u.test(gap) ? " " : gap))
    .replace(turning, "");
}

/** One object in one line. */
export function jsonOf({ level, message, ...fields }: Info, at: Date): string {
  return JSON.stringify({ time: at.toISOString(), level, message, ...fields }).replace(
    unescaped,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
