import { expect, test } from "vitest";
import {
  planMirror,
  planThinning,
  policiesInForce,
  removable,
  ruleOf,
  unproven,
} from "../../src/core/mirror-plan.ts";
import { type ElsewhereConsent, planElsewhere } from "../../src/core/prune-elsewhere.ts";
import type { Hold, RecoveryPoint } from "../../src/core/recovery-point.ts";
import { formatPolicy } from "../../src/core/retention-policy.ts";
import type { StoredSnapshot } from "../../src/core/store-ports.ts";
import { at, day, earlier, hour, idsOf, later, type PointWish, point, policy } from "./points.ts";

const now = at("2027-06-15T12:00");
const byClock: Hold = { by: "clock", detail: "forged" };

function stored(id: string, captured: Date, wish: PointWish & { series?: string } = {}): RecoveryPoint {
  const one = point(captured, { volumes: ["files"], ...wish, id });
  return {
    ...one,
    series: wish.series ?? "host/a/nightly/files",
    snapshots: one.snapshots.map((snapshot) => ({ ...snapshot, id: `s-${id}` })),
  };
}

const listed = (points: readonly RecoveryPoint[], copied = false): StoredSnapshot[] =>
  points.map(({ id, captured: time }) => ({
    id: copied ? `c-${id}` : `s-${id}`,
    ...(copied ? { original: `s-${id}` } : {}),
    time,
    host: "h",
    paths: ["/etc"],
    tags: [`ec2-backup:point=${id}`],
  }));

const copyOf = (one: RecoveryPoint): RecoveryPoint => ({
  ...one,
  snapshots: one.snapshots.map((snapshot) => ({ ...snapshot, id: `c-${one.id}` })),
  stored: {
    repository: "offsite",
    content: "files",
    source: "files",
    paths: ["/etc"],
    original: `s-${one.id}`,
    tags: [],
    markers: [],
  },
});
const held = (points: readonly RecoveryPoint[], copied = false) => ({
  points: copied ? points.map(copyOf) : points,
  snapshots: listed(points, copied),
});
const daily = (count: number, wish: PointWish = {}) =>
  Array.from({ length: count }, (_, days) => stored(`p${days}`, earlier(now, days * day), wish));
const all = () => true;

test("what the target lacks is copied, oldest first; what is gone at the source stays at the target", () => {
  const source = daily(4);
  const gone = stored("gone", earlier(now, 400 * day));
  const plan = planMirror(held(source), held([...source.slice(2), gone], true), all, [], now);
  expect(plan.copy.map((one) => one.point.id)).toEqual(["p1", "p0"]);
  expect([plan.there, plan.beyond, plan.incomplete]).toEqual([2, 0, 0]);
});

test("a copy of a copy is known by what it was first", () => {
  const [one] = daily(1);
  const first = listed(one ? [one] : []).map((snapshot) => ({ ...snapshot, original: "first" }));
  const copy = first.map((snapshot) => ({ ...snapshot, id: "other" }));
  const source = { points: one ? [one] : [], snapshots: first };
  expect(planMirror(source, { points: [], snapshots: copy }, all, [], now).copy).toEqual([]);
});

test("neither halves nor points of other hosts nor forged ones are copied", () => {
  const points = [
    stored("whole", now),
    stored("half", now, { state: "partial" }),
    stored("forged", later(now, 9 * day), { holds: [byClock] }),
    stored("other", now, { series: "host/b/nightly/files" }),
  ];
  const own = ({ series }: RecoveryPoint) => series.startsWith("host/a/");
  const plan = planMirror(held(points), held([]), own, [], now);
  expect(plan.copy.map((one) => one.point.id)).toEqual(["whole"]);
  expect([plan.incomplete, plan.disbelieved.length]).toEqual([1, 1]);
});

test("what turns out to be half after it was copied is marked at the target too, once", () => {
  const half = stored("half", now, { state: "partial" });
  const marked: RecoveryPoint = {
    ...half,
    stored: {
      repository: "central",
      content: "files",
      source: "files",
      paths: ["/etc"],
      original: "s-half",
      tags: [],
      markers: ["s-mark"],
    },
  };
  const [here = expect.fail()] = listed([half]);
  const mark = { ...here, id: "s-mark", tags: ["ec2-backup:partial-of=s-half"] };
  const source = { points: [marked], snapshots: [here, mark] };
  const at = (snapshots: readonly StoredSnapshot[]) =>
    planMirror(source, { points: [half], snapshots }, all, [], now).marks.map(({ id }) => id);
  const copies = listed([half], true);
  expect(at(copies)).toEqual(["s-mark"]);
  expect(at([...copies, { ...mark, id: "c-mark", original: "s-mark" }])).toEqual([]);
  expect(at([]), "of what is not copied").toEqual([]);
});

test("what the mirror's policy would remove is not copied, so that nothing is copied for ever anew", () => {
  const source = daily(30);
  const rules = [policy({ daily: 5 })];
  const plan = planMirror(held(source), held([]), all, rules, now);
  expect(plan.copy).toHaveLength(5);
  expect(plan.beyond).toBe(25);
  const copied = plan.copy.map((one) => one.point);
  expect(planMirror(held(source), held(copied, true), all, rules, now).copy).toEqual([]);
  expect(removable(copied, rules, now)).toEqual([]);
});

test("the policy that the source records keeps nothing at the mirror, and the mirror's own shrinks with delay", () => {
  const points = daily(10, { policy: policy({ daily: 30 }) });
  const small = policy({ daily: 2 });
  const large = policy({ daily: 8 });
  expect(removable(points, [small], now)).toHaveLength(8);
  const first = policiesInForce(large, [], now);
  expect(first.remember).toEqual([{ text: formatPolicy(large) }]);
  const shrunk = policiesInForce(small, first.remember, now);
  expect(removable(points, shrunk.policies, now)).toHaveLength(2);
  const week = later(now, 7 * day + hour);
  const after = policiesInForce(small, shrunk.remember, week);
  expect(after).toEqual({ policies: [small], remember: [{ text: formatPolicy(small) }] });
  // From what is recorded to rules of its own is a change, too.
  const none = policiesInForce(undefined, [], now);
  expect(none.policies).toEqual(["recorded"]);
  expect(removable(points, none.policies, now)).toEqual([]);
  const given = policiesInForce(small, none.remember, later(now, hour));
  expect(given.policies).toEqual([small, "recorded"]);
  expect(removable(points, given.policies, now)).toEqual([]);
  const odd = policiesInForce(small, [{ text: "no policy at all" }], now);
  expect(removable(points, odd.policies, now)).toEqual([]);
});

const removedBy = (points: readonly RecoveryPoint[], rules: Parameters<typeof planThinning>[1], yes = true) =>
  planThinning(points, rules, now, yes).map(({ series, kept, remove }) => [series, kept, idsOf(remove)]);

test("what was stored there directly is no mirror's to remove, and uses up no slot of a copy", () => {
  const copies = daily(4).map(copyOf);
  const direct = [1, 2, 3].map((hours) => stored(`d${hours}`, earlier(now, hours * hour)));
  const rule = ruleOf(daily(1), [policy({ last: 2 })]);
  expect(removedBy([...copies, ...direct], [rule])).toEqual([["host/a/nightly/files", 5, ["p2", "p3"]]]);
  // Nor are copies left out for it.
  const there = { points: direct, snapshots: listed(direct) };
  const plan = planMirror(held(daily(4)), there, all, rule.policies, now);
  expect(plan.copy.map((one) => one.point.id)).toEqual(["p1", "p0"]);
});

test("a series that the source has no points of, or none that are believed, is thinned by no mirror", () => {
  const other = { series: "host/a/shop/files" };
  const forged = stored("forged", now, { ...other, holds: [byClock] });
  const copies = [1, 2, 3, 4].map((days) => copyOf(stored(`o${days}`, earlier(now, days * day), other)));
  const rule = ruleOf([...daily(1), forged], [policy({ last: 1 })]);
  expect(removedBy(copies, [rule])).toEqual([["host/a/shop/files", 4, []]]);
  expect(removedBy(copies, [])).toEqual([["host/a/shop/files", 4, []]]);
});

test("a copy stays that another mirror keeps whose source has its series, too", () => {
  const copies = daily(6).map(copyOf);
  const [own, other] = [ruleOf(daily(1), [policy({ last: 2 })]), ruleOf(daily(1), [policy({ daily: 5 })])];
  expect(removedBy(copies, [own, other])).toEqual([["host/a/nightly/files", 5, ["p5"]]]);
  expect(removedBy(copies, [own, ruleOf(daily(1), [])])).toEqual([["host/a/nightly/files", 6, []]]);
  const apart = ruleOf([], [policy({ daily: 5 })]);
  expect(removedBy(copies, [own, apart])).toEqual([["host/a/nightly/files", 2, ["p2", "p3", "p4", "p5"]]]);
  // Under the brake, oldest first.
  expect(removedBy(copies, [own, apart], false)).toEqual([["host/a/nightly/files", 3, ["p3", "p4", "p5"]]]);
});

test("a copy counts only where it is listed and says what its original says", () => {
  const points = daily(3);
  const copied = points.map((one, index) => ({
    point: one,
    snapshot: listed(points)[index] as StoredSnapshot,
  }));
  const target = listed(points, true);
  expect(unproven(copied, target)).toEqual([]);
  const tampered = target.map((one, index) => (index === 1 ? { ...one, tags: [] } : one));
  expect(unproven(copied, tampered.slice(1)).map((one) => one.point.id)).toEqual(["p0", "p1"]);
});

const consent: ElsewhereConsent = { yes: false };
const planOf = (points: readonly RecoveryPoint[], wish: Partial<ElsewhereConsent> = {}, at = now) => {
  const [plan] = planElsewhere(points, { ...consent, ...wish }, at);
  if (plan === undefined) throw new Error("no plan");
  return plan;
};

test("elsewhere each series goes by the policy that it records, under the brake", () => {
  const points = [
    ...daily(10, { policy: policy({ daily: 8 }) }),
    ...[0, 1, 2].map((days) => stored(`b${days}`, earlier(now, days * day), { series: "host/b/x/files" })),
  ];
  const plans = planElsewhere(points, consent, now);
  expect(plans.map(({ series, remove, left }) => [series, remove.length, left])).toEqual([
    ["host/a/nightly/files", 2, undefined],
    ["host/b/x/files", 0, "its newest point b0 records no policy"],
  ]);
  const many = planOf(daily(40, { policy: policy({ daily: 2, shrinkDelay: 0 }) }));
  expect([many.remove.length, many.postponed.length]).toEqual([8, 30]);
});

test("a policy that a host has shrunk waits, is told of, and never digs through the floor", () => {
  const real = daily(8, { policy: policy({ daily: 30 }) }).slice(1);
  const small = policy({ last: 1, shrinkDelay: 0 });
  const points = [stored("evil", now, { policy: small }), ...real];
  const plan = planOf(points);
  expect(plan.remove).toEqual([]);
  expect(plan.warning).toMatch(/its policy shrank to last 1 .*6 of its points would go/);
  const later8 = later(now, 9 * day);
  const forged = [8, 7, 6].map((days, index) =>
    stored(`evil${index}`, earlier(later8, days * day), { policy: small }),
  );
  const late = planOf([...points, ...forged], {}, later8);
  expect(late.remove.length).toBeGreaterThan(0);
  const floor = planOf([...points, ...forged], { floor: policy({ daily: 30 }), yes: true }, later8);
  expect(idsOf(floor.remove).filter((id) => id.startsWith("p"))).toEqual([]);
});

test("elsewhere copies stay as long as a mirror keeps them, whatever else they record", () => {
  const points = daily(6, { policy: policy({ last: 2, shrinkDelay: 0 }) }).map(copyOf);
  const direct = stored("direct", earlier(now, 5 * day + hour), { policy: policy({ last: 2 }) });
  const removed = (mirrors: ElsewhereConsent["mirrors"] = []) =>
    idsOf(planOf([...points, direct], { yes: true, mirrors }).remove).sort();
  expect(removed()).toEqual(["direct", "p2", "p3", "p4", "p5"]);
  expect(removed([["recorded"]])).toEqual(["direct", "p2", "p3", "p4", "p5"]);
  expect(removed([[policy({ last: 3 })], [policy({ daily: 5 })]])).toEqual(["direct", "p5"]);
  // Rules of which one cannot be read.
  expect(removed([[]])).toEqual(["direct"]);
});

test("forged points far ahead push nothing out and decide on no policy", () => {
  const real = daily(5, { policy: policy({ daily: 5 }) });
  const forged = [1, 2, 3, 4, 5, 6].map((days) =>
    stored(`evil${days}`, later(now, days * 365 * day), {
      policy: policy({ last: 1, shrinkDelay: 0 }),
      holds: [byClock],
    }),
  );
  const plan = planOf([...real, ...forged], { yes: true });
  expect([plan.remove, plan.disbelieved.length, plan.kept]).toEqual([[], 6, 11]);
  expect(planOf(forged).left).toBe("none of its points can be believed");
});

test("a policy that cannot be read removes nothing", () => {
  const points = [
    stored("new", now, { policy: "unreadable" }),
    ...daily(9, { policy: policy({ last: 1 }) }).slice(1),
  ];
  expect(planOf(points, { yes: true })).toMatchObject({
    remove: [],
    left: expect.stringContaining("cannot be read"),
  });
});
