import { expect, test } from "vitest";
import type { Loaded } from "../../src/config/load.ts";
import { hasOwnSchedules } from "../../src/config/own-schedules.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";

const loaded = (text: string): Loaded => {
  const result = parseConfig(text, "config.yaml");
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return { ...result, text };
};

test("only what the file says itself is a schedule of its own", () => {
  expect(hasOwnSchedules(loaded("version: 1\njobs: { default: {} }\n"))).toBe(false);
  expect(hasOwnSchedules(loaded("version: 1\njobs: { default: {}, logs: { schedule: every 12h } }\n"))).toBe(
    true,
  );
  expect(hasOwnSchedules(loaded("version: 1\ndrill: { weekly: { schedule: '0 5 * * 0' } }\n"))).toBe(true);
});
