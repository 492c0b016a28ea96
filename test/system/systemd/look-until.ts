import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** Looks until it fits; what never does fails the test with what there was at last. Milliseconds. */
export async function lookUntil<T>(
  look: () => Promise<T>,
  fits: (found: T) => boolean,
  otherwise: (found: string) => string | Promise<string> = (found) => `it never came: ${found}`,
  patience = 60_000,
): Promise<T> {
  const limit = performance.now() + patience;
  for (;;) {
    const found = await look();
    if (fits(found)) return found;
    if (performance.now() > limit) expect.fail(await otherwise(JSON.stringify(found)));
    await sleep(50);
  }
}
