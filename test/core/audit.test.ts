import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auditUnit } from "../../src/core/audit.ts";
import { type CopyGround, judgeCopies } from "../../src/core/audit-copies.ts";
import type { AuditFacts, AuditFinding, AuditRules } from "../../src/core/audit-ports.ts";
import { auditReportOf, exitCodeOfAudit } from "../../src/core/audit-report.ts";
import { parseLongCron } from "../../src/core/long-cron.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import type { Stanza } from "../../src/core/stanzas.ts";
import type { SweepInstance, SweepVolume } from "../../src/core/sweep-ports.ts";
import { intentOf } from "../../src/core/sweep-stop.ts";
import { at, day, earlier, everyStep, hour, point, policy } from "./points.ts";

const asOf = at("2027-03-20T12:00");
const unit = { id: "123456789012/eu-central-1", account: "123456789012", region: "eu-central-1" };

const instance: SweepInstance = {
  id: "i-1",
  arn: "arn",
  account: unit.account,
  region: unit.region,
  name: "web",
  state: "running",
  tags: {},
  volumes: ["vol-1"],
};

const volume: SweepVolume = {
  id: "vol-1",
  sizeGiB: 8,
  type: "gp3",
  encrypted: true,
  tags: {},
  attachedTo: "i-1",
  createdAt: earlier(asOf, 90 * day),
};

function facts(wish: Partial<AuditFacts> = {}): AuditFacts {
  const { points = [], foreign = [] } = wish;
  return {
    unit,
    asOf,
    instances: [instance],
    volumes: [volume],
    points,
    foreign,
    copies: [],
    keys: [],
    snapshots: 10,
    unencryptedSnapshots: 0,
    quota: { limit: 100_000, from: "account" },
    versions: new Map(),
    ...wish,
  };
}

const prices = { asOf: "2027-01", standard: 0.05, archive: 0.0125 };
const rules: AuditRules = { overdueAfter: 26 * hour, wish: () => undefined };

function judged(wish: Partial<AuditFacts>, more: Partial<AuditRules> = {}): string[] {
  return auditUnit(facts(wish), { ...rules, ...more }).findings.map(
    ({ severity, kind }) => `${severity} ${kind}`,
  );
}

const daily = (newest: Date, count: number, wish = {}): RecoveryPoint[] =>
  everyStep(newest, day, count, { policy: policy({ last: 90 }), ...wish });

describe("a volume that was made for a short use", () => {
  const until = (time: string) => ({ "ec2-backup:temporary-until": time });
  const copy = { ...volume, id: "vol-2", sizeGiB: 500, tags: until("2027-03-20T11:59:59.000Z") };
  const left = (one: SweepVolume) =>
    auditUnit(facts({ points: daily(asOf, 3), volumes: [volume, one] }), {
      ...rules,
      wish: (tags) => (Object.keys(tags).length > 0 ? "unwanted" : undefined),
    }).findings;

  it("is told once its time is over, with what deletes it", () => {
    const { attachedTo: _, ...loose } = copy;
    expect(left(loose)).toMatchObject([
      {
        severity: "warning",
        kind: "left",
        what: "volume vol-2 (500 GiB, attached nowhere) was made for a drill or a restore, and its time is over",
        command: "aws ec2 delete-volume --region eu-central-1 --volume-id vol-2",
        about: ["vol-2"],
      },
    ]);
    expect(left(copy)).toMatchObject([
      {
        kind: "left",
        what: expect.stringContaining("(500 GiB, attached to i-1)"),
        command: "aws ec2 detach-volume --region eu-central-1 --volume-id vol-2",
      },
    ]);
    expect(left({ ...copy, tags: until("some day") })).toMatchObject([{ kind: "left" }]);
  });

  it("is no matter before", () => {
    expect(left({ ...copy, tags: until("2027-03-20T12:00:01.000Z") })).toEqual([]);
  });
});

describe("how old a backup may be", () => {
  it("is a day and a bit for a series that is captured daily, and by its habit for one that is rarer", () => {
    expect(judged({ points: daily(earlier(asOf, 25 * hour), 5) })).toEqual([]);
    expect(judged({ points: daily(earlier(asOf, 27 * hour), 5) })).toEqual(["error overdue"]);
    const weekly = (age: number) =>
      everyStep(earlier(asOf, age), 7 * day, 5, { policy: policy({ last: 90 }) });
    expect(judged({ points: weekly(7 * day) })).toEqual([]);
    expect(judged({ points: weekly(8 * day) })).toEqual(["error overdue"]);
  });

  it("is no matter for what is off, gone, left out, or younger than that itself", () => {
    const points = daily(earlier(asOf, 9 * day), 5);
    const off = { ...instance, state: "stopped" as const };
    expect(judged({ points, instances: [off] })).toEqual(["note overdue"]);
    expect(judged({ points, instances: [{ ...instance, state: "terminated" }], volumes: [] })).toEqual([
      "note expired",
    ]);
    expect(judged({ points }, { wish: () => "unwanted" })).toEqual([]);
    expect(judged({ volumes: [{ ...volume, createdAt: earlier(asOf, hour) }] })).toEqual([]);
  });

  it("counts whoever's backup it is; what is pending, failed or mixed is none", () => {
    const foreign = {
      id: "snap-f",
      volumeId: "vol-1",
      state: "completed",
      startTime: earlier(asOf, hour),
      sizeGiB: 8,
      encrypted: true,
      tags: {},
    };
    expect(judged({ foreign: [foreign] })).toEqual([]);
    expect(judged({ foreign: [{ ...foreign, state: "pending" }] })).toEqual(["warning unprotected"]);
    for (const state of ["pending", "partial"] as const)
      expect(judged({ points: [point(earlier(asOf, hour), { state })] })).toEqual(["error unprotected"]);
    const mixed = point(earlier(asOf, hour), { holds: [{ by: "mixed", detail: "x" }] });
    expect(judged({ points: [mixed] })).toEqual(["error unprotected"]);
  });

  it("rings for each protected instance that runs, and for no other", () => {
    const ages = fc.array(
      fc.record({ age: fc.integer({ min: 0, max: 100 }), runs: fc.boolean(), ours: fc.boolean() }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(ages, (all) => {
        const instances = all.map(
          ({ runs }, index): SweepInstance => ({
            ...instance,
            id: `i-${index}`,
            arn: `arn-${index}`,
            state: runs ? "running" : "stopped",
            volumes: [`vol-${index}`],
          }),
        );
        const volumes = all.map(
          (_, index): SweepVolume => ({ ...volume, id: `vol-${index}`, attachedTo: `i-${index}` }),
        );
        const points = all.flatMap(({ age, ours }, index) =>
          ours
            ? [
                {
                  ...point(earlier(asOf, age * hour), { id: `p-${index}`, volumes: [`vol-${index}`] }),
                  instanceArn: `arn-${index}`,
                  series: `s-${index}`,
                },
              ]
            : [],
        );
        const { totals, findings } = auditUnit(facts({ instances, volumes, points }), rules);
        const late = all.filter(({ age, runs, ours }) => runs && ours && age > 26);
        expect(totals.overdue).toBe(late.length);
        expect(findings.filter(({ severity }) => severity === "error")).toHaveLength(late.length);
      }),
    );
  });
});

describe("an instance that a sweep has stopped for its capture", () => {
  const since = earlier(asOf, 2 * hour);
  const { key, value } = intentOf("run-1", "i-1", since, earlier(asOf, hour));
  const off = (change: Partial<SweepInstance>) =>
    judged({ points: daily(asOf, 3), instances: [{ ...instance, state: "stopped", ...change }] });

  it("is the first thing to be told once nobody is about it any more", () => {
    expect(off({ tags: { [key]: value } })).toEqual(["error stopped"]);
    expect(off({ tags: { [key]: value }, state: "stopping" })).toEqual(["error stopped"]);
  });

  it("is nothing while its sweep has time, once it runs, and without the tag", () => {
    const own = intentOf("run-1", "i-1", since, new Date(asOf.getTime() + hour));
    expect(off({ tags: { [own.key]: own.value } })).toEqual([]);
    expect(off({ tags: { [key]: value }, state: "running" })).toEqual([]);
    expect(off({ tags: { [key]: value.replace("i-1", "i-2") } })).toEqual([]);
    expect(off({})).toEqual([]);
  });
});

describe("stanzas of another tool", () => {
  const stanza: Stanza = {
    id: "web",
    match: [{ name: "tag:Name", values: ["web*"] }],
    retention: 4 * day,
    minimum: 5,
    frequency: { every: 12 * hour },
    ignore: [],
    ignoreRetention: false,
    replication: false,
  };
  const named = { ...instance, tags: { Name: "web-1" } };
  const foreign = (age: number) => ({
    id: "snap-f",
    volumeId: "vol-1",
    state: "completed",
    startTime: earlier(asOf, age * hour),
    sizeGiB: 8,
    encrypted: true,
    tags: { DeleteOn: "2027-03-24" },
  });
  const by = (age: number, more: Partial<Stanza> = {}) =>
    judged({ instances: [named], foreign: [foreign(age)] }, { stanzas: [{ ...stanza, ...more }] });

  it("say which instances are to be backed up, and how often", () => {
    expect([by(13), by(15)]).toEqual([[], ["error overdue"]]);
    expect(judged({ instances: [named] }, { stanzas: [stanza] })).toEqual(["error unprotected"]);
    expect(judged({ instances: [instance], foreign: [foreign(15)] }, { stanzas: [stanza] })).toEqual([]);
    expect(by(15, { frequency: { cron: parseLongCron("0 5 1 * ? *") } })).toEqual([]);
    expect(by(40, { frequency: { cron: parseLongCron("0 5 * * ? *") } })).toEqual(["error overdue"]);
  });

  it("leave alone what they ignore", () => {
    expect(judged({ instances: [named] }, { stanzas: [{ ...stanza, ignore: ["vol-1"] }] })).toEqual([]);
  });
});

describe("what is there beyond its time", () => {
  it("is told once it should have gone more than two days ago, and what any policy keeps is not", () => {
    const its = (last: number) => everyStep(earlier(asOf, hour), day, 10, { policy: policy({ last }) });
    expect(judged({ points: its(10) })).toEqual([]);
    expect(judged({ points: its(8) })).toEqual([]);
    expect(judged({ points: its(5) })).toEqual(["warning expired"]);
  });

  it("is nothing where nobody can read the policy", () => {
    expect(judged({ points: everyStep(earlier(asOf, hour), day, 10, { policy: "unreadable" }) })).toEqual([]);
  });

  it("and what another retention would save is told without the wait that follows a change", () => {
    const points = everyStep(earlier(asOf, hour), day, 10, { policy: policy({ last: 10 }) });
    const { savings } = auditUnit(facts({ points }), { ...rules, instead: { counts: { last: 4 } } });
    expect(savings).toEqual({ points: 6, snapshots: 6, volumeGiB: 48 });
  });
});

describe("a place", () => {
  it("is told of when it is nearly full", () => {
    const points = daily(earlier(asOf, hour), 5);
    const at = (snapshots: number) => judged({ points, snapshots });
    expect([at(79_999), at(80_000), at(95_000)]).toEqual([[], ["warning quota"], ["error quota"]]);
  });

  it("is told of when a key goes, and a key that may not be read is no alarm", () => {
    const points = daily(earlier(asOf, hour), 5);
    const key = (state?: string) =>
      judged({ points, keys: [{ arn: "arn:key", snapshots: 1, volumes: 0, ...(state && { state }) }] });
    expect([key("Enabled"), key("Disabled"), key("PendingDeletion"), key()]).toEqual([
      [],
      ["error key"],
      ["error key"],
      ["note unread"],
    ]);
  });
});

describe("copies", () => {
  const ground = (wish: Partial<CopyGround>): CopyGround => ({
    unit: unit.id,
    account: unit.account,
    region: unit.region,
    asOf,
    copied: [],
    whole: new Set(),
    ...wish,
  });
  const points = [1, 2, 3].map((age) => ({ id: `p${age}`, captured: earlier(asOf, age * day) }));
  const here = ground({ copied: [{ region: "eu-west-1", points }] });
  const there = (...whole: string[]) =>
    ground({ unit: "123456789012/eu-west-1", region: "eu-west-1", whole: new Set(whole) });
  const kinds = (found: readonly AuditFinding[]) =>
    found.map(({ severity, kind, about }) => [severity, kind, about]);

  it("lag behind by the oldest point that is newer than what is whole there", () => {
    expect(kinds(judgeCopies([here, there("p1")], 26 * hour))).toEqual([]);
    expect(kinds(judgeCopies([here, there("p2")], 26 * hour))).toEqual([]);
    expect(kinds(judgeCopies([here, there("p3")], 26 * hour))).toEqual([["error", "copy-lag", ["p2"]]]);
    expect(kinds(judgeCopies([here, there()], 26 * hour))).toEqual([["error", "copy-lag", ["p3"]]]);
  });

  it("in a Region that was not looked into are told as unknown", () => {
    expect(kinds(judgeCopies([here], 26 * hour))).toEqual([["note", "unread", []]]);
  });
});

it("the exit code is 0 for notes, 1 for anything wrong, and the cause where nothing could be looked into", () => {
  const code = (...severities: AuditFinding["severity"][]) => {
    const findings = severities.map(
      (severity): AuditFinding => ({ severity, kind: "key", unit: unit.id, what: "x", why: "y", about: [] }),
    );
    const audited = { ...auditUnit(facts({ volumes: [] }), rules), findings };
    const result = {
      audited,
      ground: { unit: unit.id, account: "", region: "", asOf, copied: [], whole: new Set<string>() },
    };
    return exitCodeOfAudit(
      auditReportOf("run", [{ unit, outcome: "done", ms: 1, result }], { copyLag: day, prices, requests: 0 }),
    );
  };
  expect([code(), code("note"), code("note", "warning"), code("error")]).toEqual([0, 0, 1, 1]);
  const failure = { kind: "denied" as const, doing: "look", found: "no" };
  expect(
    exitCodeOfAudit(
      auditReportOf("run", [{ unit, outcome: "denied", ms: 1, failure }], {
        copyLag: day,
        prices,
        requests: 0,
      }),
    ),
  ).toBe(77);
});
