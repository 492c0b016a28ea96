import { type Facility, facilities, severities } from "../core/syslog-priority.ts";
import type { Line } from "./line.ts";

/** Who speaks, as every message says. */
export interface Speaker {
  readonly facility: Facility;
  readonly appName: string;
  readonly hostname: string;
  readonly pid: number;
}

/** rsyslog cuts at 8 KiB by default and says nothing; other receivers cut earlier. */
const longest = 8_000;
const mark = " [cut]";

/** The text in at most so many bytes of UTF-8, with a mark if it was cut. */
export function cut(text: string, most = longest): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= most) return text;
  // A sign that was cut in two is left off.
  return `${new TextDecoder().decode(bytes.subarray(0, most - mark.length)).replace(/\ufffd$/, "")}${mark}`;
}

/** Facility and severity in one number, in angle brackets. */
export function priorityOf({ level }: Line, facility: Facility): string {
  return `<${facilities[facility] * 8 + severities[level]}>`;
}

/** A message of RFC 5424, with the time at which the line was logged. Without structured data and end. */
export function frameOf(line: Line, { facility, appName, hostname, pid }: Speaker): string {
  const host = hostname.replace(/[^\x21-\x7e]/g, "").slice(0, 255) || "-";
  const head = `${priorityOf(line, facility)}1 ${line.at.toISOString()} ${host} ${appName} ${pid} - - `;
  return `${head}${cut(line.text)}`;
}
