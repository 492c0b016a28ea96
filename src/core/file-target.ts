import { offsetAt } from "./zone.ts";

/** `x.from-2026-11-01-0300` beside `x`, in the time of the zone's clocks; absent for `/`, which has no beside. */
export function besideOf(path: string, captured: Date, zone: string): string | undefined {
  const whole = path.replace(/\/+$/, "");
  if (whole === "") return undefined;
  const local = new Date(captured.getTime() + offsetAt(zone, captured.getTime())).toISOString();
  return `${whole}.from-${local.slice(0, 10)}-${local.slice(11, 13)}${local.slice(14, 16)}`;
}
