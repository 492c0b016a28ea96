/** EC2 takes at most this many values in one filter. */
export const maxFilterValues = 200;

/** A list in parts of at most so many: what AWS takes in one request. */
export function inGroups<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, index) => all.slice(index * most, (index + 1) * most));
}
