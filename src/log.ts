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

const shapes: Readonly<Record<LogFormat, (color: boolean) => ReturnType<typeof format.combine>>> = {
  text: (color) =>
    format.combine(...(color ? [format.colorize({ all: true, colors })] : []), format.printf(lineOf)),
  json: () => format.combine(format.timestamp(), format.json()),
  journal: () => format.printf((info) => `<${priorities[info.level as LogLevel]}>${lineOf(info)}`),
};

const colors = { error: "red", warn: "yellow", info: "reset", debug: "dim" };

function lineOf({ level, message, ...fields }: { level: string; message: unknown }): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  const text = String(message).replace(/\s*\n\s*/g, " ");
  return [`${level}:`, text, ...facts].join(" ");
}

/** What the environment suggests where the configuration says `auto`. */
export function chooseFormat(
  wanted: "auto" | LogFormat,
  env: Readonly<Record<string, string | undefined>>,
): LogFormat {
  if (wanted !== "auto") return wanted;
  return env["JOURNAL_STREAM"] === undefined ? "text" : "journal";
}
