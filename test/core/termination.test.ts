import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callsForCapture, formatNotice, groupNotice, spotNotice } from "../../src/core/termination.ts";

describe("notices", () => {
  test.each([
    ['{"action": "terminate", "time": "2027-03-01T12:13:00Z"}', "spot terminate 2027-03-01T12:13:00Z"],
    ['{"action": "stop", "time": "2027-03-01T12:13:00.000Z"}', "spot stop 2027-03-01T12:13:00Z"],
    ['{"action": "hibernate"}', "spot hibernate"],
    ['{"action": "terminate", "time": "soon"}', "spot terminate"],
  ])("of spot are read: %s", (text, words) => {
    expect(formatNotice(spotNotice(text))).toBe(words);
  });

  test.each([
    "",
    "<html>{",
    "null",
    "[]",
    '{"action": "none"}',
    '{"time": "2027-03-01T12:13:00Z"}',
    "terminate",
  ])("are not seen in anything else: %j", (text) => {
    expect(() => spotNotice(text)).toThrow("is no notice");
  });

  test("of Auto Scaling are the states from which an instance does not come back", () => {
    const states = ["InService", "Terminated", "Detached", "Standby", "Warmed:Hibernated", "Warmed:Running"];
    const more = ["Warmed:Stopped", "Warmed:Terminated\n", ""];
    expect([...states, ...more].filter((state) => groupNotice(state) !== undefined)).toEqual([
      "Terminated",
      "Warmed:Terminated\n",
    ]);
  });

  test("call for a capture, but for a hibernation, which has begun by then", () => {
    expect(callsForCapture({ source: "spot", action: "terminate" })).toBe(true);
    expect(callsForCapture({ source: "spot", action: "stop" })).toBe(true);
    expect(callsForCapture({ source: "spot", action: "hibernate" })).toBe(false);
    expect(callsForCapture({ source: "autoscaling", action: "Terminated" })).toBe(true);
  });

  test("are words that a tag may have, whatever the time is", () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-12-31") }), (time) => {
        const words = formatNotice(spotNotice(JSON.stringify({ action: "stop", time: time.toISOString() })));
        expect(words).toMatch(/^[\w+\-=._:/@ ]{1,256}$/);
      }),
    );
  });
});
