import { type Answer, askProgram } from "./ask-program.ts";
import { patience } from "./probe-signatures.ts";
import { sleep } from "./sleep.ts";

/** How often, and after how many milliseconds each, a disk is tried again that somebody holds. */
const busy = { tries: 10, pause: 300 };

/**
 * Runs mount(8). Whoever looks at every disk that comes (udev's rules, multipath, mdadm) may hold one that was just
 * attached for a moment: it is tried again for some seconds.
 */
export async function mountWhenFree(words: readonly string[], signal: AbortSignal): Promise<Answer> {
  for (let left = busy.tries; ; left -= 1) {
    const answer = await askProgram("mount", words, { timeout: patience.tool, signal });
    if (answer.code === 0 || left === 0 || !/mount point busy|open blockdev/.test(answer.said)) return answer;
    await sleep(busy.pause);
  }
}
