import { expect, test } from "vitest";
import { type SweepAlarmDeps, sweepAlarms } from "../../src/actions/sweep-alarms.ts";
import { alarmName, type FoundAlarm } from "../../src/core/alarm.ts";
import { mutedTag } from "../../src/core/sweep-alarms.ts";
import type { InstanceState, SweepInstance } from "../../src/core/sweep-ports.ts";

const id = "i-0123456789abcdef0";
const name = alarmName(id, "default", "missed");
const now = new Date("2027-06-16T09:41:00Z");
const never = new AbortController().signal;

/** An alarm for silence, whose cause lasts: CloudWatch looks at it each time when it is told to. */
class Silence {
  state: FoundAlarm["state"] = "OK";
  actionsEnabled = true;
  tags: Record<string, string> = {};
  readonly told: string[] = [];
  /** Looks at it right after a request of that name. */
  lookAfter: "setState" | "enableActions" = "enableActions";

  #look(after: Silence["lookAfter"]): void {
    if (after !== this.lookAfter || this.state === "ALARM") return;
    this.state = "ALARM";
    if (this.actionsEnabled) this.told.push("ALARM");
  }

  readonly service: SweepAlarmDeps["alarms"] = {
    find: async () => [
      { name, arn: "arn", state: this.state, actionsEnabled: this.actionsEnabled } as FoundAlarm,
    ],
    remove: () => Promise.reject(new Error("nothing is to be removed")),
    enableActions: async (names, enabled) => {
      if (names.length > 0) this.actionsEnabled = enabled;
      this.#look("enableActions");
    },
    setState: async (_, state) => {
      this.state = state;
      this.#look("setState");
      // It looks once a minute at most.
      this.lookAfter = "enableActions";
    },
    tagsOf: async () => this.tags,
    tag: async (_, tags) => void Object.assign(this.tags, tags),
    untag: async (_, keys) => {
      for (const key of keys) delete this.tags[key];
    },
  };

  sweep(listed: InstanceState, state = listed) {
    const instance = (as: InstanceState) => [
      { id, arn: "", state: as, launched: new Date(0) } as unknown as SweepInstance,
    ];
    return sweepAlarms(
      false,
      {
        alarms: this.service,
        living: async (ids) => new Set(ids),
        instances: async () => instance(listed),
        instancesNow: async () => instance(state),
        clock: { now: () => now, elapsed: () => 0, sleep: async () => undefined, random: () => 0 },
      },
      never,
    );
  }
}

test.each(["setState", "enableActions"] as const)(
  "an alarm that rang unheard rings again when it is woken, though CloudWatch looks at it after %s",
  async (lookAfter) => {
    const alarm = new Silence();
    Object.assign(alarm, { state: "ALARM", actionsEnabled: false, tags: { [mutedTag]: "x" }, lookAfter });
    const { swept } = await alarm.sweep("running");
    expect(swept.woken).toEqual([name]);
    await alarm.service.enableActions([], true);
    expect(alarm.told.length).toBeGreaterThan(0);
    expect(alarm).toMatchObject({ actionsEnabled: true, tags: {} });
  },
);

test("an instance that was stopped when it was listed and runs by now keeps its alarm, without a mark", async () => {
  const alarm = new Silence();
  expect((await alarm.sweep("stopped", "running")).swept.muted).toEqual([]);
  expect(alarm).toMatchObject({ actionsEnabled: true, tags: {} });
  expect((await alarm.sweep("stopped")).swept.muted).toEqual([name]);
  expect(alarm).toMatchObject({ actionsEnabled: false, tags: { [mutedTag]: now.toISOString() } });
});
