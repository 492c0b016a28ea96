const units: Readonly<Record<string, number>> = {
  w: 604_800,
  d: 86_400,
  h: 3_600,
  m: 60,
  s: 1,
};

/** The words of each unit; there are none of months and years, whose lengths differ. */
const words: readonly (readonly [RegExp, keyof typeof units])[] = [
  [/^w(?:ks?|eeks?)?$/, "w"],
  [/^d(?:ays?)?$/, "d"],
  [/^h(?:rs?|ours?)?$/, "h"],
  [/^m(?:ins?|inutes?)?$/, "m"],
  [/^s(?:ecs?|econds?)?$/, "s"],
];

/**
 * A duration as people write it, in milliseconds: `32m`, `1w3d2h`, `5 hours, 34 minutes`, `172 hr`, `1.24 days`, `4:13`
 * (minutes and seconds), `4:13:02`, `2:04:13:02`, `2 days, 4:13:02`. Each unit once, the largest first. Undefined for
 * anything else: half a duration would be another one.
 */
export function parseSpokenDuration(text: string): number | undefined {
  let rest = text.trim().toLowerCase();
  if (rest === "") return undefined;
  let seconds = 0;
  let below = Number.POSITIVE_INFINITY;
  while (rest !== "") {
    const clock = clockOf(rest, below);
    if (clock !== undefined) {
      seconds += clock;
      break;
    }
    const part = /^(\d+(?:\.\d+)?)\s*([a-z]+)(?:\s*,\s*(?=\d)|\s+(?=\d)|(?=\d)|$)/.exec(rest);
    const unit = words.find(([shape]) => shape.test(part?.[2] ?? ""))?.[1];
    const size = unit === undefined ? 0 : (units[unit] ?? 0);
    if (part === null || size === 0 || size >= below) return undefined;
    seconds += Number(part[1]) * size;
    below = size;
    rest = rest.slice(part[0].length);
  }
  const ms = Math.round(seconds * 1_000);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** `4:13`, `4:13:02` or `2:04:13:02`, where no unit of it has been said already. */
function clockOf(text: string, below: number): number | undefined {
  const parts = /^(?:(?:(\d+):)?(\d+):)?(\d+):([0-5]\d(?:\.\d+)?)$/.exec(text);
  if (parts === null) return undefined;
  const [days, hours, minutes] = parts.slice(1, 4).map((part) => Number(part ?? 0));
  const largest = parts[1] !== undefined ? 86_400 : parts[2] !== undefined ? 3_600 : 60;
  if (largest >= below) return undefined;
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + Number(parts[4]);
}
