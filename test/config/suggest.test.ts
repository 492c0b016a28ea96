import { describe, expect, it } from "vitest";
import { nearest, remedyForKey } from "../../src/config/suggest.ts";

const keys = ["schedule", "timezone", "splay", "volumes", "retention", "minimum", "monthly"];

describe("a suggestion", () => {
  it.each([
    ["shedule", "schedule"],
    ["scheduel", "schedule"],
    ["Timezone", "timezone"],
    ["time-zone", "timezone"],
    ["volume", "volumes"],
    ["min", "minimum"],
    ["montly", "monthly"],
    ["retain", undefined],
    ["x", undefined],
    ["", undefined],
    ["constructor", undefined],
    ["s".repeat(1000), undefined],
  ])("for %s is %s", (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });

  it("for an unknown key is a question", () => {
    expect(remedyForKey("splai", keys)).toBe('did you mean "splay"?');
    expect(remedyForKey("zebra", keys)).toBeUndefined();
  });
});
