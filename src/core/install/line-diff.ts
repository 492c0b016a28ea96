/** A line that both texts have, or only the one before or the one after. */
export interface DiffLine {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** How two short texts differ, by their longest common lines. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  const common = lengths(a, b);
  const diff: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      diff.push({ sign: " ", line: left });
      i += 1;
      j += 1;
    } else if (
      left !== undefined &&
      (right === undefined || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))
    ) {
      diff.push({ sign: "-", line: left });
      i += 1;
    } else {
      diff.push({ sign: "+", line: right ?? "" });
      j += 1;
    }
  }
  return diff;
}

/** Only what differs, with this many lines around it. */
export function hunksOf(diff: readonly DiffLine[], around: number): readonly DiffLine[] {
  const changed = diff.flatMap(({ sign }, index) => (sign === " " ? [] : [index]));
  return diff.filter((_, index) => changed.some((at) => Math.abs(at - index) <= around));
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** How many lines the ends of both texts have in common, from each pair of places on. */
function lengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const [row, below] = [table[i] as number[], table[i + 1] as number[]];
    for (let j = b.length - 1; j >= 0; j -= 1)
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
  }
  return table;
}
