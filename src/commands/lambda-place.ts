import { concealer, secretsOf } from "../core/conceal.ts";
import type { AuditLine, Log, LogLevel } from "../core/ports.ts";
import { jsonOf } from "../log/line.ts";

/** The function and one invocation of it, as far as anything depends on them. */
export interface LambdaPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly pid: number;
  /** The folder of the bundle. */
  readonly folder: string;
  /** Milliseconds until Lambda ends the function. */
  readonly remaining: () => number;
  readonly requestId: string;
  readonly functionName: string;
  /** The id of the account that the function is of. */
  readonly account: string;
  /** Writes to stdout, and settles when that is done. */
  readonly write: (text: string) => Promise<void>;
}

/** What CloudWatch Logs gets of an invocation: one object a line. */
export interface LambdaLog {
  readonly log: Log;
  /** The record of what was removed: there is no disk that stays. */
  removal(line: AuditLine): Promise<void>;
  /** A line as it is. */
  raw(line: string): Promise<void>;
  /** Settles when all of it is written. */
  written(): Promise<void>;
}

const levels: readonly LogLevel[] = ["error", "warn", "info", "debug"];

export function lambdaLog({ env, requestId, write }: LambdaPlace, level: LogLevel): LambdaLog {
  const conceal = concealer(secretsOf(env));
  let last: Promise<void> = Promise.resolve();
  const put = (line: string): Promise<void> => {
    last = write(`${conceal(line)}\n`);
    return last;
  };
  const line = (level: LogLevel, message: string, fields: object) => {
    const info = { level, message, requestId, ...fields };
    return put(jsonOf(info, new Date()));
  };
  return {
    log: (at, message, fields) => {
      if (levels.indexOf(at) <= levels.indexOf(level)) void line(at, message, fields ?? {});
    },
    removal: (removal) => line("info", "removal", { removal }),
    raw: put,
    written: () => last,
  };
}
