/** Prints a table with a caption; numbers stand to the right. */
export function printTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  console.log(`\n${caption}\n`);
  console.log(line(head));
  console.log(widths.map((width) => "-".repeat(width)).join("  "));
  for (const row of rows) console.log(line(row));
}

export const fixed = (value: number, digits = 0): string =>
  Number.isNaN(value) ? "-" : value.toFixed(digits);

/** A figure beside its goal; a missed goal is marked, never a failure. */
export function against(value: number, goal: number, digits = 2): string {
  return `${fixed(value, digits)} (goal ${goal}${value > goal ? ", MISSED" : ""})`;
}
