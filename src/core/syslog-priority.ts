import type { LogLevel } from "./ports.ts";

/** syslog's severities (RFC 5424, 6.2.1), as sd-daemon(3) has them before each line. */
export const severities: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** The facilities of RFC 5424, 6.2.1, by number; those between 12 and 15 have no agreed names. */
export const facilities = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

export type Facility = keyof typeof facilities;
