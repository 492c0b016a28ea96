import { createLogger, format, transports } from "winston";
import type { Log, LogLevel } from "./core/ports.ts";

/** How lines look: for people, for machines, or with the priority prefix that journald reads. */
export type LogFormat = "text" | "json" | "journal";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly color: boolean;
}

/** syslog's severities, as sd-daemon(3) has them before each line. */
const priorities: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

const levels: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** The log of this process, on stderr. Lines are written at once; there is nothing to flush. */
export function createLog({ level, format: shape, color }: LogOptions): Log {
  const logger = createLogger({
    level,
    levels,
    format: shapes[shape](color),
    transports: [new transports.Console({ stderrLevels: Object.keys(levels) })],
  });
  return (at, message, fields) => void logger.log({ level: at, message, ...fields });
}

const shapes: Readonly<Record<LogFormat, (color: boolean) => ReturnType<typeof format.printf>>> = {
  text: (color) => format.printf((info) => (color ? painted(info) : lineOf(info))),
  json: () =>
    format.printf(({ level, message, ...fields }) =>
      JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }),
    ),
  journal: () => format.printf((info) => `<${priorities[info.level as LogLevel]}>${lineOf(info)}`),
};

/** Codes of ECMA-48: red, yellow, none, faint. */
const colors: Readonly<Record<LogLevel, string>> = { error: "31", warn: "33", info: "0", debug: "2" };

function painted(info: { level: string; message: unknown }): string {
  return `\x1b[${colors[info.level as LogLevel]}m${lineOf(info)}\x1b[0m`;
}

/** What others wrote (names, tags, answers) neither begins a line of its own nor speaks to the terminal. */
function lineOf({ level, message, ...fields }: { level: string; message: unknown }): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  return [`${level}:`, String(message), ...facts].join(" ").replace(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, " ");
}

/** What the environment suggests where the configuration says `auto`. */
export function chooseFormat(
  wanted: "auto" | LogFormat,
  env: Readonly<Record<string, string | undefined>>,
): LogFormat {
  if (wanted !== "auto") return wanted;
  return env["JOURNAL_STREAM"] === undefined ? "text" : "journal";
}
