import { offsetAt } from "./zone.ts";

/** The calendar periods that keep rules count in. */
export type Period = "hourly" | "daily" | "weekly" | "monthly" | "yearly";

const hour = 3_600_000;
const day = 24 * hour;

/**
 * Tells in which period of a zone an instant lies, as a number that is equal for two instants exactly
 * if they share the period, and grows with time. The two hours of an autumn night are two periods.
 */
export function periodCounter(zone: string): (period: Period, instant: Date) => number {
  const offset = offsetByDay(zone);
  return (period, instant) => {
    const at = instant.getTime();
    const shift = offset(at);
    const local = at + shift;
    switch (period) {
      case "hourly":
        return Math.floor(local / hour) * hour - shift;
      case "daily":
        return Math.floor(local / day);
      case "weekly":
        // Day 0 of the epoch was a Thursday; ISO weeks begin on Mondays.
        return Math.floor((Math.floor(local / day) + 3) / 7);
      case "monthly":
        return new Date(local).getUTCFullYear() * 12 + new Date(local).getUTCMonth();
      case "yearly":
        return new Date(local).getUTCFullYear();
    }
  };
}

/**
 * The zone's offset, looked up twice for each UTC day and not for each of a hundred thousand points:
 * only on a day whose two ends differ is the instant itself asked about.
 */
function offsetByDay(zone: string): (at: number) => number {
  const known = new Map<number, number>();
  const edge = (index: number): number => {
    let offset = known.get(index);
    if (offset === undefined) {
      offset = offsetAt(zone, index * day);
      known.set(index, offset);
    }
    return offset;
  };
  return (at) => {
    const index = Math.floor(at / day);
    const offset = edge(index);
    return offset === edge(index + 1) ? offset : offsetAt(zone, at);
  };
}
