import { type Answer, askProgram } from "./ask-program.ts";
import { patience } from "./probe-signatures.ts";
import { whileBusy } from "./while-busy.ts";

/**
 * Runs mount(8). Whoever looks at every disk that comes (udev's rules, multipath, mdadm) may hold one that was just
 * attached for a moment: it is tried again for some seconds.
 */
export function mountWhenFree(words: readonly string[], signal: AbortSignal): Promise<Answer> {
  return whileBusy(
    () => askProgram("mount", words, { timeout: patience.tool, signal }),
    ({ said }) => /mount point busy|open blockdev/.test(said),
  );
}
