/** What a run asks for side by side: neither waits for the other, so either may arrive first. */
const sideBySide: readonly (readonly [string, string])[] = [
  ["DescribeInstances", "DescribeVolumes"],
  ["DescribeImages", "DescribeLockedSnapshots"],
];

/** Actions in their order; of two that are asked for side by side, one after the other, always the same first. */
export function inOrder(actions: readonly string[]): string[] {
  const ordered = [...actions];
  for (const [first, second] of sideBySide) {
    const at = ordered.findIndex((action, index) => action === second && ordered[index + 1] === first);
    if (at >= 0) ordered.splice(at, 2, first, second);
  }
  return ordered;
}
