import { hostname } from "node:os";
import type { SinkSettings } from "../core/log-sinks.ts";
import type { Log, LogLevel } from "../core/ports.ts";
import { jsonOf, type Line, textOf } from "./line.ts";
import { Outbox, type OutboxWaits, type Outlet, outboxWaits } from "./outbox.ts";

export interface SinkFacts {
  readonly level: LogLevel;
  readonly json: boolean;
  readonly platform: string;
  readonly pid: number;
  /** Absent on Windows. */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tells people what became of a sink, on the console. */
  readonly tell: (message: string) => void;
  readonly waits?: OutboxWaits;
}

export interface Sinks {
  readonly log: Log;
  /** Delivers what can be delivered in time and tells what could not. To be called once; never rejects. */
  close(): Promise<void>;
}

/** So many lines wait for sinks of this host. */
const capacity = 1_000;

const ranks: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** Opens nothing yet: a sink is looked for when there is something to be said. */
export async function openSinks(wanted: SinkSettings, facts: SinkFacts): Promise<Sinks> {
  const { tell, waits = outboxWaits } = facts;
  const outlets = await outletsOf(wanted, facts);
  const outboxes = outlets.map(([outlet, most]) => new Outbox({ outlet, capacity: most, tell, waits }));
  return {
    log(level, message, fields) {
      if (ranks[level] > ranks[facts.level]) return;
      const at = new Date();
      const info = { level, message, ...fields };
      const line: Line = { level, at, text: facts.json ? jsonOf(info, at) : textOf(info) };
      for (const outbox of outboxes) outbox.put(line);
    },
    async close() {
      const ends = outboxes.map(async (outbox) => {
        const lost = await outbox.close(wanted.flushWithin);
        if (lost !== undefined) tell(`lines of the log did not reach the ${outbox.name}: ${lost}`);
      });
      await Promise.all(ends);
    },
  };
}

/** Each with the number of lines that may wait for it. */
async function outletsOf(
  { file, syslog, eventLog }: SinkSettings,
  facts: SinkFacts,
): Promise<[Outlet, number][]> {
  const { platform, pid, uid, env, json, tell } = facts;
  const outlets: [Outlet, number][] = [];
  if (file !== undefined) {
    const { logFileOutlet } = await import("./log-file.ts");
    const render = ({ at, text }: Line) => (json ? text : `${at.toISOString()} ${text}`);
    outlets.push([logFileOutlet(file, uid, render), capacity]);
  }
  if (syslog?.protocol === "local") {
    const { localOutlet } = await import("./syslog-local.ts");
    outlets.push([localOutlet(syslog.socket, { ...syslog, pid }), syslog.queue]);
  } else if (syslog !== undefined) {
    const { networkOutlet } = await import("./syslog-network.ts");
    const speaker = { ...syslog, pid, hostname: hostname() };
    outlets.push([networkOutlet({ ...syslog, protocol: syslog.protocol }, speaker), syslog.queue]);
  }
  if (eventLog && platform === "win32") {
    const { eventLogOutlet } = await import("./event-log.ts");
    const program = `${env["SystemRoot"] ?? "C:\\Windows"}\\System32\\eventcreate.exe`;
    outlets.push([eventLogOutlet(program, "ec2-backup"), capacity]);
  } else if (eventLog) {
    tell("log.eventLog is left out: this system has no Windows event log");
  }
  return outlets;
}
