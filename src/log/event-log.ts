import type { LogLevel } from "../core/ports.ts";
import { runProgram } from "../host/run-program.ts";
import type { Outlet } from "./outbox.ts";
import { cut } from "./syslog-frame.ts";

const types: Readonly<Record<LogLevel, string>> = {
  error: "ERROR",
  warn: "WARNING",
  info: "INFORMATION",
  debug: "INFORMATION",
};

/** eventcreate(1) takes 1 to 1000; by these alarms can be set. */
const ids: Readonly<Record<LogLevel, number>> = { error: 1, warn: 2, info: 3, debug: 4 };

/**
 * The Application log of Windows, by eventcreate, which every Windows has: one process a line. It takes the
 * words as they are, without a shell.
 */
export function eventLogOutlet(program: string, source: string): Outlet {
  return {
    name: "Windows event log",
    most: 1,
    async deliver(lines, signal) {
      for (const { level, text } of lines) {
        const words = ["/L", "APPLICATION", "/T", types[level], "/SO", source, "/ID", String(ids[level])];
        const ended = await runProgram(program, [...words, "/D", cut(text)], { signal });
        if (ended === undefined) throw new Error("eventcreate does not end");
        if (ended.code !== 0) throw new Error(ended.said);
      }
      return lines.length;
    },
  };
}
