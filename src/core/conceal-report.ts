/** Where a report has words of others: of hooks, servers, the system and the configuration. */
const words: ReadonlySet<string> = new Set([
  "doing",
  "found",
  "remedy",
  "because",
  "doubts",
  "hook",
  "facts",
]);

/** A report, or a part of one, without what must not be seen. Ids, names of jobs and instants stay: others go by them. */
export function concealReport<Part>(report: Part, conceal: (text: string) => string): Part {
  const shown = (value: unknown, free: boolean): unknown => {
    if (typeof value === "string") return free ? conceal(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => shown(one, free));
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, shown(one, free || words.has(key))]),
    );
  };
  return shown(report, false) as Part;
}
