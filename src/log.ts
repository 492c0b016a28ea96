import { fstatSync } from "node:fs";
import { createLogger, format, transports } from "winston";
import type { Log, LogFields, LogLevel } from "./core/ports.ts";
import { severities } from "./core/syslog-priority.ts";
import { jsonOf, textOf } from "./log/line.ts";

/** How lines look: for people, for machines, or with the priority prefix that journald reads. */
export type LogFormat = "text" | "json" | "journal";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly color: boolean;
}

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
  text: (color) => format.printf((info) => (color ? painted(info) : textOf(info))),
  json: () => format.printf((info) => jsonOf(info, new Date())),
  journal: () => format.printf((info) => `<${severities[info.level as LogLevel]}>${textOf(info)}`),
};

/** Codes of ECMA-48: red, yellow, none, faint. */
const colors: Readonly<Record<LogLevel, string>> = { error: "31", warn: "33", info: "0", debug: "2" };

function painted(info: { level: string; message: unknown }): string {
  return `\x1b[${colors[info.level as LogLevel]}m${textOf(info)}\x1b[0m`;
}

/** The same log with everything taken out that must not be seen. */
export function concealed(log: Log, conceal: (text: string) => string): Log {
  return (level, message, fields) => {
    const shown = Object.entries(fields ?? {}).map(([name, value]) => [
      name,
      typeof value === "string" ? conceal(value) : value,
    ]);
    log(level, conceal(message), Object.fromEntries(shown) as LogFields);
  };
}

/**
 * What the environment suggests where the configuration says `auto`. JOURNAL_STREAM names the journal's end
 * of a stream, and is inherited also by who writes elsewhere (systemd.exec(5)).
 */
export function chooseFormat(
  wanted: "auto" | LogFormat,
  env: Readonly<Record<string, string | undefined>>,
  stderr: () => { readonly dev: number; readonly ino: number } = () => fstatSync(2),
): LogFormat {
  if (wanted !== "auto") return wanted;
  const stream = env["JOURNAL_STREAM"];
  if (stream === undefined) return "text";
  const { dev, ino } = stderr();
  return stream === `${dev}:${ino}` ? "journal" : "text";
}
