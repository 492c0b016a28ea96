import { askProgram } from "./ask-program.ts";
import { systemProgram } from "./system-path.ts";

/** Milliseconds; where it does not even answer, it is not used. */
const patience = 10_000;

/**
 * The same words, so that the kernel kills the program when we are gone, however we went; as they are where setpriv(1)
 * is missing or too old to know how. What the program starts is not reached by it.
 */
export async function dyingWithUs(words: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const own = ["--pdeathsig", "KILL"];
  const setpriv = await systemProgram("setpriv");
  if (setpriv === undefined) return words;
  const known = await askProgram("setpriv", [...own, "true"], { timeout: patience, signal }).catch(
    () => undefined,
  );
  if (known?.code !== 0) return words;
  // Another user's are changed to first: a change of the user takes the wish back.
  const [first, ...rest] = words;
  return first === setpriv ? [first, ...own, ...rest] : [setpriv, ...own, "--", ...words];
}
