import type { Answer } from "./ask-program.ts";
import { sleep } from "./sleep.ts";

/** How often, and after how many milliseconds each, a program is run again that found something busy. */
const again = { tries: 10, pause: 300 };

/** Runs a program, and for some seconds again while it fails since something is busy that will soon be free. */
export async function whileBusy(
  run: () => Promise<Answer>,
  isBusy: (answer: Answer) => boolean | Promise<boolean>,
): Promise<Answer> {
  for (let left = again.tries; ; left -= 1) {
    const answer = await run();
    if (answer.code === 0 || left === 0 || !(await isBusy(answer))) return answer;
    await sleep(again.pause);
  }
}
