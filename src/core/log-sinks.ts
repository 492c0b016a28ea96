import type { Facility } from "./syslog-priority.ts";

export const syslogProtocols = ["local", "udp4", "udp6", "tcp4", "tcp6"] as const;

/** A log file that is put aside when it is full. */
export interface LogFileSettings {
  readonly path: string;
  /** Bytes at which a new file is begun. */
  readonly maxSize: number;
  /** How many files there are at most, the one that is written to included. */
  readonly maxFiles: number;
}

/** Where syslog is spoken to. */
export interface SyslogSettings {
  readonly protocol: (typeof syslogProtocols)[number];
  readonly host: string;
  readonly port: number;
  /** Of the protocol `local`. */
  readonly socket: string;
  readonly facility: Facility;
  readonly appName: string;
  /** How many lines wait for a server that is not there. */
  readonly queue: number;
}

/** Where the lines of the log go beside the console. */
export interface SinkSettings {
  readonly file?: LogFileSettings;
  readonly syslog?: SyslogSettings;
  readonly eventLog: boolean;
  /** Milliseconds by which lines that are not delivered yet may delay the end of a command. */
  readonly flushWithin: number;
}
