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
      {
        name,
        arn: "arn",
        metric: "SecondsSinceLastBackup",
        state: this.state,
        actionsEnabled: this.actionsEnabled,
      } as FoundAlarm,
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
      { id, arn: "", state: as, launched: new Date(0), tags: {} } as unknown as SweepInstance,
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

test("one that ran when it was listed and was stopped since is neither woken nor taken for disabled by somebody", async () => {
  const muted = new Silence();
  Object.assign(muted, { actionsEnabled: false, tags: { [mutedTag]: "x" } });
  expect((await muted.sweep("running", "stopped")).swept.woken).toEqual([]);
  expect(muted).toMatchObject({ actionsEnabled: false, tags: { [mutedTag]: "x" } });
  // Its agent has silenced it at the power-off.
  const silenced = new Silence();
  silenced.actionsEnabled = false;
  const { swept, problems } = await silenced.sweep("running", "stopped");
  expect([swept.disabled, problems]).toEqual([[], []]);
  expect((await silenced.sweep("running")).swept.disabled).toEqual([name]);
});

/** So many alarms for silence, each of an instance of its own. */
class Many {
  readonly alarms = new Map<string, FoundAlarm & { tags: Record<string, string> }>();
  readonly instances: SweepInstance[] = [];
  readonly service: SweepAlarmDeps["alarms"] = {
    find: async () => [...this.alarms.values()],
    remove: async (names) => {
      for (const one of names) this.alarms.delete(one);
    },
    enableActions: async (names, actionsEnabled) => {
      for (const one of names) this.#change(one, { actionsEnabled });
    },
    setState: async (one, state) => this.#change(one, { state }),
    tagsOf: async (arn) => this.alarms.get(arn)?.tags ?? {},
    tag: async (arn, tags) => this.#change(arn, { tags: { ...tags } }),
    untag: async (arn) => this.#change(arn, { tags: {} }),
  };

  #change(of: string, change: Partial<FoundAlarm & { tags: Record<string, string> }>): void {
    const found = this.alarms.get(of);
    if (found !== undefined) this.alarms.set(of, { ...found, ...change });
  }

  /** `state` is absent of an instance that is gone. */
  add(count: number, state: InstanceState | undefined, change: Partial<FoundAlarm>, tags = {}): string[] {
    return Array.from({ length: count }, () => {
      const its = `i-${(this.alarms.size + 1).toString(16).padStart(17, "0")}`;
      const of = alarmName(its, "default", "missed");
      const found = { name: of, arn: of, metric: "SecondsSinceLastBackup", state: "OK", ...change, tags };
      this.alarms.set(of, found as FoundAlarm & { tags: Record<string, string> });
      if (state !== undefined)
        this.instances.push({ id: its, state, launched: new Date(0), tags: {} } as unknown as SweepInstance);
      return of;
    });
  }

  sweep(change: Partial<SweepAlarmDeps["alarms"]> = {}) {
    const instances = async () => this.instances;
    return sweepAlarms(
      false,
      {
        alarms: { ...this.service, ...change },
        living: async () => new Set(),
        instances,
        instancesNow: instances,
        clock: { now: () => now, elapsed: () => 0, sleep: async () => undefined, random: () => 0 },
      },
      never,
    );
  }
}

test("one that cannot be calmed stays muted and marked, and keeps no other muted", async () => {
  const many = new Many();
  const [first = "", ...others] = many.add(
    4,
    "running",
    { state: "ALARM", actionsEnabled: false },
    {
      [mutedTag]: "x",
    },
  );
  const setState: SweepAlarmDeps["alarms"]["setState"] = async (one, state, reason) => {
    if (one === first) throw new Error("InternalServiceFault");
    await many.service.setState(one, state, reason);
  };
  const { swept, problems } = await many.sweep({ setState });
  expect(swept.woken).toEqual(others);
  expect(problems).toMatchObject([{ severity: "error" }]);
  expect(many.alarms.get(first)).toMatchObject({ actionsEnabled: false, tags: { [mutedTag]: "x" } });
  for (const one of others) expect(many.alarms.get(one)).toMatchObject({ actionsEnabled: true, tags: {} });
  expect((await many.sweep()).swept.woken).toEqual([first]);
});

test("what went before a request failed is told, and the requests after it are made", async () => {
  const many = new Many();
  const gone = many.add(250, undefined, { actionsEnabled: true });
  let requests = 0;
  const remove: SweepAlarmDeps["alarms"]["remove"] = async (names) => {
    requests += 1;
    if (requests === 2) throw new Error("Throttling");
    await many.service.remove(names);
  };
  const { swept, problems } = await many.sweep({ remove });
  expect(swept.removed).toEqual([...gone.slice(0, 100), ...gone.slice(200)]);
  expect([...many.alarms.keys()]).toEqual(gone.slice(100, 200));
  expect(problems).toMatchObject([{ severity: "error" }]);
});
