import { expect, test } from "vitest";
import { bounded, pause, withoutSecrets } from "../../src/hooks/bounded.ts";
import { after, failureIn, never } from "./facts.ts";

const doing = "ask";

test("work is waited for within its bound, and its own failure is told", async () => {
  expect(await bounded(Promise.resolve(1), { ms: 100, doing, signal: never })).toBe(1);
  expect((await failureIn(bounded(Promise.reject(new Error("own")), { ms: 100, doing }))).message).toBe(
    "own",
  );
  const endless = new Promise(() => undefined);
  expect(await failureIn(bounded(endless, { ms: 30, doing, remedy: "wait" }))).toMatchObject({
    kind: "unreachable",
    message: "cannot ask: no answer within 30ms; wait",
  });
  expect(
    await failureIn(bounded(endless, { ms: 1000, doing, signal: AbortSignal.timeout(20) })),
  ).toMatchObject({
    kind: "interrupted",
  });
  expect(await failureIn(bounded(endless, { ms: 1000, doing, signal: AbortSignal.abort() }))).toMatchObject({
    kind: "interrupted",
  });
});

test("a failure that comes after the bound is nobody's", async () => {
  const late = after(30).then(() => Promise.reject(new Error("late")));
  await failureIn(bounded(late, { ms: 5, doing }));
  // An unhandled rejection would fail the test run.
  await after(50);
});

test("a pause ends at its time or at the abort", async () => {
  const began = performance.now();
  await pause(50, doing, never);
  expect(performance.now() - began).toBeGreaterThan(40);
  expect(await failureIn(pause(5000, doing, AbortSignal.timeout(20)))).toMatchObject({ kind: "interrupted" });
  expect(performance.now() - began).toBeLessThan(4000);
});

test("secrets and lines are taken out of the words of others", () => {
  expect(withoutSecrets("a  hush\nand hush again", ["hush", undefined, ""])).toBe("a *** and *** again");
});
