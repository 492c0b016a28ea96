import { expect, test } from "vitest";
import { sideBySide } from "../../src/aws/side-by-side.ts";

const never = new AbortController().signal;

/** Asks, and is told to go on or to fail by the test. */
function question() {
  const answer = Promise.withResolvers<string>();
  let heard: AbortSignal | undefined;
  return {
    ask: (signal: AbortSignal) => {
      heard = signal;
      return answer.promise;
    },
    tell: answer.resolve,
    fail: (what: string) => answer.reject(new Error(what)),
    asked: () => heard !== undefined,
    aborted: () => heard?.aborted,
  };
}

/** Long enough for whatever was to happen, and for Node.js to miss a handler. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test("both are asked before either has answered, and the answers come in order", async () => {
  const [first, second] = [question(), question()];
  const both = sideBySide(never, first.ask, second.ask);
  expect([first.asked(), second.asked()]).toEqual([true, true]);
  second.tell("second");
  await settled();
  first.tell("first");
  expect(await both).toEqual(["first", "second"]);
  expect(second.aborted()).toBe(false);
});

test("if both fail it is the first one's failure, also where the second failed before it", async () => {
  const [first, second] = [question(), question()];
  const both = sideBySide(never, first.ask, second.ask);
  second.fail("second");
  await settled();
  first.fail("first");
  await expect(both).rejects.toThrow("first");
});

test("the second one's failure is told once the first has answered", async () => {
  const [first, second] = [question(), question()];
  const both = sideBySide(never, first.ask, second.ask);
  second.fail("second");
  await settled();
  first.tell("first");
  await expect(both).rejects.toThrow("second");
});

test("once the first has failed the second is given up, and its failure is nobody's", async () => {
  const [first, second] = [question(), question()];
  const both = sideBySide(never, first.ask, second.ask);
  first.fail("first");
  await expect(both).rejects.toThrow("first");
  expect(second.aborted()).toBe(true);
  second.fail("second");
  await settled();
});

test("who is told to stop tells both", async () => {
  const stop = new AbortController();
  const [first, second] = [question(), question()];
  const both = sideBySide(stop.signal, first.ask, second.ask);
  stop.abort();
  expect([first.aborted(), second.aborted()]).toEqual([true, true]);
  second.fail("stopped, second");
  first.fail("stopped, first");
  await expect(both).rejects.toThrow("stopped, first");
});
