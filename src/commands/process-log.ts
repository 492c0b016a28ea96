import type { Settings } from "../config/defaults.ts";
import { concealer, secretsOf } from "../core/conceal.ts";
import type { Log } from "../core/ports.ts";
import { chooseFormat, concealed, createLog } from "../log.ts";
import type { Context } from "./command.ts";

/**
 * The log of this process, as the flags and then the configuration want it. The secrets of the environment
 * are in no line. `quiet` keeps from the console what went well. What writes elsewhere than on the console is loaded only where it is wanted.
 */
export async function processLog(
  { global, host, opened }: Pick<Context, "global" | "host" | "opened">,
  wanted: Settings["log"],
  quiet = false,
): Promise<Log> {
  const level = global.logLevel ?? wanted.level;
  const format = chooseFormat(wanted.format, host.env);
  const color = global.color && host.stderr.isTTY === true && host.env["NO_COLOR"] === undefined;
  const conceal = concealer(secretsOf(host.env));
  const spoken = quiet && (level === "info" || level === "debug") ? "warn" : level;
  const console = createLog({ level: spoken, format, color });
  if (!wanted.file && !wanted.syslog && !wanted.eventLog) return concealed(console, conceal);
  const { openSinks } = await import("../log/sinks.ts");
  const facts = {
    ...host,
    level,
    json: format === "json",
    tell: (message: string) => concealed(console, conceal)("warn", message),
  };
  const sinks = await openSinks(wanted, facts);
  opened({ aside: concealed(sinks.log, conceal), close: sinks.close });
  return concealed((...line) => {
    console(...line);
    sinks.log(...line);
  }, conceal);
}
