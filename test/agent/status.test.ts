import { expect, test } from "vitest";
import { knownOf } from "../../src/agent/status.ts";
import type { JobState } from "../../src/host/state.ts";

const at = "2027-03-01T02:00:00.000Z";
const whole = {
  version: 1,
  job: "default",
  newest: { captured: at, bytes: 5 },
  note: { run: "r1", point: "p1", at },
  volumes: [{ volume: "vol-1", device: "/dev/sdf", newest: at }],
  lastSlot: at,
  alarms: { asOf: at, alarms: [{ name: "missed", state: "OK", actionsEnabled: true }] },
} as const;

test("what is remembered is taken as it is", () => {
  const { newest, volumes, lastSlot, alarms } = whole;
  const running = { run: "r1", since: at };
  expect(knownOf(whole)).toEqual({ job: "default", newest, running, volumes, lastSlot, alarms });
});

test.each<[keyof JobState, unknown]>([
  ["newest", 5],
  ["newest", null],
  ["newest", { captured: "never", bytes: 5 }],
  ["newest", { captured: at }],
  ["note", null],
  ["note", { run: "r1" }],
  ["volumes", "none"],
  ["volumes", [null]],
  ["volumes", [{ volume: 7, device: "" }]],
  ["volumes", [{ volume: "vol-1", device: "/dev/sdf", newest: "never" }]],
  ["volumes", [{ volume: "vol-1", device: "/dev/sdf", newest: at, bytes: "5" }]],
  ["lastSlot", []],
  ["lastSlot", "never"],
  ["alarms", null],
  ["alarms", { asOf: at, alarms: 3 }],
  ["alarms", { asOf: at, alarms: [null] }],
  ["alarms", { asOf: "never", alarms: [] }],
  ["alarms", { asOf: at, alarms: [{ name: "missed", state: "OK" }] }],
])("%s that is %j is left out, and the rest stays", (key, damage) => {
  const { [key === "note" ? "running" : (key as "volumes")]: _, ...rest } = knownOf(
    whole,
  ) as unknown as Record<string, unknown>;
  expect(knownOf({ ...whole, [key]: damage } as unknown as JobState)).toEqual(rest);
});
