import type { GlobalOptions } from "../cli/command.ts";
import type { Settings } from "../config/defaults.ts";
import type { Log } from "../core/ports.ts";
import { chooseFormat, createLog } from "../log.ts";
import type { ProcessFacts } from "./command.ts";

/** The log of this process, as the flags and then the configuration want it. */
export function processLog(global: GlobalOptions, wanted: Settings["log"], host: ProcessFacts): Log {
  return createLog({
    level: global.logLevel ?? wanted.level,
    format: chooseFormat(wanted.format, host.env),
    color: global.color && host.stderr.isTTY === true && host.env["NO_COLOR"] === undefined,
  });
}
