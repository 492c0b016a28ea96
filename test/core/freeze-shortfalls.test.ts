import { expect, test } from "vitest";
import type { FreezePlan } from "../../src/core/freeze-plan.ts";
import { hasNothingToFreeze, shortfallsOf, whyNothing } from "../../src/core/freeze-shortfalls.ts";
import { mapped } from "./mapped.ts";

const told = (path: string) => ({ path, because: `because of ${path}` });

function planOf(plan: Partial<FreezePlan>): FreezePlan {
  return {
    freeze: [],
    eligible: [],
    straddling: [],
    still: [],
    refused: [],
    inUse: [],
    unmounted: [],
    ...plan,
  };
}

test("what a list leaves out makes the set less, and what straddles; each is told once", () => {
  const plan = planOf({
    freeze: [[mapped("/a")]],
    eligible: ["/a", "/b", "/wide", "/wider"],
    straddling: [told("/wide"), told("/wider")],
    refused: [told("/wider")],
  });
  const forgotten = { path: "/b", because: expect.stringContaining("is left out of freeze.mounts") };
  expect(shortfallsOf(["/a", "/wider"], plan)).toEqual([told("/wide"), forgotten]);
  expect(shortfallsOf("data", plan)).toEqual([told("/wide")]);
});

test("nothing falls short where all that may be frozen is", () => {
  const plan = planOf({ freeze: [[mapped("/a")], [mapped("/b")]], eligible: ["/a", "/b"] });
  expect(shortfallsOf(["/a", "/b"], plan)).toEqual([]);
  expect(shortfallsOf("data", plan)).toEqual([]);
});

test("what something needs meanwhile is told where everything should be frozen", () => {
  const plan = planOf({ freeze: [[mapped("/a")]], eligible: ["/a"], inUse: [told("/log")] });
  expect(shortfallsOf("data", plan)).toEqual([told("/log")]);
  expect(shortfallsOf(["/a"], plan)).toEqual([]);
});

test("without a freeze, each mount that could be frozen is a shortfall", () => {
  const plan = planOf({ eligible: ["/a"] });
  expect(shortfallsOf(undefined, plan)).toEqual([
    { path: "/a", because: expect.stringContaining("add freeze: data") },
  ]);
});

test("nothing to freeze is what a host with a root volume alone has, and nothing else", () => {
  expect(hasNothingToFreeze(planOf({ refused: [told("/")], still: [told("/ro")] }))).toBe(true);
  expect(hasNothingToFreeze(planOf({ unmounted: ["vol-2"] }))).toBe(false);
  expect(hasNothingToFreeze(planOf({ inUse: [told("/log")] }))).toBe(false);
  expect(hasNothingToFreeze(planOf({ straddling: [told("/wide")] }))).toBe(false);
});

test("why nothing can be frozen: what was asked for, or rests on captured volumes", () => {
  const plan = planOf({
    still: [told("/ro"), told("/other")],
    straddling: [told("/wide")],
    refused: [told("/r")],
  });
  expect(whyNothing("data", plan, new Set(["/ro", "/wide"]))).toEqual([
    told("/r"),
    told("/wide"),
    told("/ro"),
  ]);
  expect(whyNothing(["/other", "/r"], plan, new Set())).toEqual([told("/r"), told("/other")]);
});
