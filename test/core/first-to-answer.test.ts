import { expect, test } from "vitest";
import { firstToAnswer } from "../../src/core/first-to-answer.ts";

const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
const never = () => new Promise<string>(() => undefined);
const goesOn = new AbortController().signal;

test("the first answer counts, and nobody else is asked for it", async () => {
  const asked: string[] = [];
  const ask = async (place: string) => {
    asked.push(place);
    return place.toUpperCase();
  };
  const found = await firstToAnswer(["a", "b"], ask, { patience: 10_000, sleep }, goesOn);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([found, asked]).toEqual([{ place: "a", answer: "A" }, ["a"]]);
});

test("one that fails is passed over at once, one that is silent after its time, and told that it is over", async () => {
  let told: AbortSignal | undefined;
  const answers: Record<string, (signal: AbortSignal) => Promise<string>> = {
    refusing: () => Promise.reject(new Error("no")),
    silent: (signal) => {
      told = signal;
      return never();
    },
    well: async () => "here",
  };
  const ask = (place: string, signal: AbortSignal) => (answers[place] ?? never)(signal);
  const found = await firstToAnswer(["refusing", "silent", "well"], ask, { patience: 20, sleep }, goesOn);
  expect([found.answer, told?.aborted]).toEqual(["here", true]);
});

test("without an answer the first failure is thrown", async () => {
  const ask = (place: string) => Promise.reject(new Error(place));
  const waiting = { patience: 10_000, sleep };
  await expect(firstToAnswer(["a", "b", "c"], ask, waiting, goesOn)).rejects.toThrow("a");
});
