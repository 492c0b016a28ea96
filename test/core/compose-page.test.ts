import { describe, expect, test } from "vitest";
import { composePage } from "../../src/core/compose-page.ts";
import { asOf, facts, four, healthy, note, pointAged, storedPart, troubled } from "./page-facts.ts";
import { day, earlier, hour, job, minute, policy, volume } from "./points.ts";
import { problem, report } from "./reports.ts";

const said = (page: ReturnType<typeof composePage>, severity: string) =>
  page.findings.filter((one) => one.severity === severity).map(({ says }) => says);

describe("the page of a healthy instance", () => {
  const page = composePage(facts([healthy()]));

  test("says so, and notes only that nobody knows of its alarms", () => {
    expect(page).toMatchObject({ verdict: "good", headline: "All 4 volumes are protected as promised" });
    expect(page.findings.map(({ severity }) => severity)).toEqual(["notice"]);
  });

  test("tells schedule, promise, next run, durations and the recipe of the newest complete point", () => {
    const [one] = page.jobs;
    expect(one).toMatchObject({
      schedule: "0 2 * * *",
      timezone: "Europe/Berlin",
      promise: { seconds: 27 * 3600, from: "schedule" },
      next: { slot: "2027-03-21T01:00:00.000Z" },
      newest: { ageSeconds: 6 * 3600 },
      timing: { runs: 60, frozen: { runs: 60 } },
      recipe: { point: one?.points[0]?.id },
      gaps: [],
    });
    expect(one?.volumes.map(({ verdict }) => verdict)).toEqual(["kept", "kept", "kept", "kept"]);
  });

  test("says of each point why it is kept or when it goes", () => {
    const points = page.jobs[0]?.points ?? [];
    expect(points.every((one) => one.reasons.length > 0 === (one.verdict === "keep"))).toBe(true);
    expect(points.filter(({ leaves }) => leaves !== undefined).length).toBeGreaterThan(5);
    expect(points[0]?.leaves).toBeDefined();
  });
});

describe("what needs attention", () => {
  test("is an overdue volume, once though two jobs take it", () => {
    const late = healthy({ points: [pointAged(3 * day)] });
    const page = composePage(facts([late, { ...late, name: "other" }]));
    expect(page).toMatchObject({ verdict: "failing" });
    expect(page.headline).toBe("4 volumes of 4 have no complete point that is young enough");
    expect(said(page, "error")[0]).toBe(
      `${four[0]?.id} (${four[0]?.device}): newest complete point is 3 d old; at most 27 h is promised`,
    );
  });

  test.each([
    [32 * hour, "32 h"],
    [27 * hour + 1_000, "27 h 1 min"],
    [50 * hour + 30 * minute, "51 h"],
  ])("is a point that is %i ms old, never told as one that is young enough", (age, words) => {
    const page = composePage(facts([healthy({ points: [pointAged(age)] })]));
    expect(said(page, "error")[0]).toContain(
      `newest complete point is ${words} old; at most 27 h is promised`,
    );
  });

  test("is a pending point where the last run says that something is wrong", () => {
    const points = [pointAged(hour, { state: "pending" }), pointAged(3 * day)];
    const verdicts = (outcome: "done" | "degraded" | "failed") => {
      const known = { job: "default", report: report({ outcome }) };
      const page = composePage(facts([healthy({ points, known })]));
      return [...new Set(page.jobs[0]?.volumes.map(({ verdict }) => verdict))];
    };
    expect([verdicts("done"), verdicts("degraded"), verdicts("failed")]).toEqual([
      ["settling"],
      ["overdue"],
      ["overdue"],
    ]);
  });

  test("is a volume without any point", () => {
    const fresh = volume({ id: "vol-9", device: "/dev/sdx" });
    const page = composePage(facts([healthy({ chosen: [...four, fresh] })]));
    expect(page.headline).toBe("1 volume of 5 has no complete point that is young enough");
    expect(said(page, "error")).toEqual(["vol-9 (/dev/sdx): no complete point; at most 27 h is promised"]);
  });

  test("is a last run that failed, with its error and what to do", () => {
    const { history } = healthy();
    const runs = [...(history?.runs ?? [])];
    const failed = note(earlier(asOf, hour), {
      outcome: "failed",
      errors: 1,
      error: "cannot back up: it was denied",
    });
    const remembered = report({ problems: [{ ...problem("denied"), remedy: "ask for the right" }] });
    const page = composePage(
      facts([
        healthy({
          known: { job: "default", report: remembered },
          history: { runs: [...runs, failed], unreadable: 0 },
        }),
      ]),
    );
    expect(page.findings[0]).toEqual({
      severity: "error",
      job: "default",
      says: "the last run, 2027-03-20 06:30Z, was failed: cannot back up: it was denied",
      remedy: "ask for the right",
    });
    expect(page.jobs[0]?.problems).toEqual(remembered.problems);
  });

  test("is all of it on an instance in trouble, the worst first", () => {
    const page = composePage(troubled());
    expect(page.verdict).toBe("failing");
    expect(said(page, "error")).toEqual([
      "ec2-backup/i-1/hourly/missed was in ALARM as of 2027-03-20 07:30Z",
    ]);
    expect(said(page, "warning")).toEqual([
      "9 points are not whole (partial or failed)",
      expect.stringMatching(/^1 gap longer than promised since 2027-02-05 \d\d:30Z, the longest 31h$/),
      "ec2-backup/i-1/hourly/slow tells nobody as of 2027-03-20 07:30Z",
      "1 record of earlier runs cannot be read",
      "what this host remembers of the job cannot be read, so its runs are unknown",
    ]);
    expect(said(page, "notice")).toEqual([
      "whether alarms watch the job is not known on this host",
      "vol-0000000000000beef (/dev/sdz) is in no job: its tag Backup=no",
      "/dev/nvme1n1 is an instance store, which no snapshot can hold",
    ]);
    const order = page.findings.map(({ severity }) => ["error", "warning", "notice"].indexOf(severity));
    expect(order).toEqual([...order].sort());
  });

  test("is a brake that holds points back", () => {
    const ages = Array.from({ length: 60 }, (_, index) => 6 * hour + index * day);
    const shrunk = job({ schedule: "0 2 * * *", retention: policy({ last: 3 }) });
    const page = composePage(facts([healthy({ job: shrunk, points: ages.map((age) => pointAged(age)) })]));
    expect(said(page, "warning")).toContain(
      "retention gives up more points than one run may remove; the brake leaves 45",
    );
    const verdicts = (page.jobs[0]?.points ?? []).map(({ verdict }) => verdict);
    expect(verdicts.filter((one) => one === "remove")).toHaveLength(12);
    expect(verdicts.filter((one) => one === "postponed")).toHaveLength(45);
  });

  test("is a job that takes nothing", () => {
    const page = composePage(facts([healthy({ chosen: [] })]));
    expect(page).toMatchObject({ verdict: "failing", headline: "No volume is backed up" });
    expect(said(page, "error")).toEqual(["the job takes no volume"]);
  });

  test("is not an instance that is left out on purpose", () => {
    const left = { ...problem("configuration", "notice"), found: "it is left out by its tag Backup=no" };
    const page = composePage(facts([], { problems: [left] }));
    expect(page).toMatchObject({ verdict: "good", headline: "No volume is backed up" });
    expect(said(page, "notice")).toEqual(["back up: it is left out by its tag Backup=no"]);
  });
});

describe("what lies in repositories", () => {
  test("is called what it is, and counted by its series", () => {
    const headline = (...jobs: Parameters<typeof facts>[0]) => composePage(facts(jobs)).headline;
    const [young, old] = [[hour], [9 * day]];
    expect(headline(storedPart("files", young))).toBe("The one set of files is protected as promised");
    // The files of two jobs are not the same, as a volume of two jobs is.
    expect(headline(storedPart("files", young), storedPart("files", old, "weekly"))).toBe(
      "1 set of files of 2 has no complete point that is young enough",
    );
    expect(headline(storedPart("dump/shop", young), storedPart("dump/crm", young))).toBe(
      "All 2 dumps are protected as promised",
    );
    expect(headline(storedPart("dump/shop", young), storedPart("files", young))).toBe(
      "All 2 sets of files and dumps are protected as promised",
    );
    expect(headline(healthy(), storedPart("files", young))).toBe(
      "All 5 volumes, sets of files and dumps are protected as promised",
    );
  });

  test("is late in its repository, and has its own words to bring it back", () => {
    const page = composePage(facts([storedPart("dump/shop", [9 * day])]));
    expect(said(page, "error")).toEqual([expect.stringMatching(/^dump\/shop in central: newest complete/)]);
    expect(page.jobs[0]?.stored).toEqual({ restore: "ec2-backup restore file dump/shop" });
  });
});

describe("a job", () => {
  test("that is configured no more keeps its points, and nothing is promised of them", () => {
    const { job: _, ...former } = healthy({ chosen: [] });
    const page = composePage(facts([healthy({ name: "new" }), former]));
    const [, old] = page.jobs;
    expect(old).toMatchObject({ configured: false });
    expect(old).not.toHaveProperty("forecast");
    expect(old?.points.every(({ verdict }) => verdict === "unknown")).toBe(true);
    expect(old?.volumes.every(({ taken, verdict }) => !taken && verdict === "unpromised")).toBe(true);
    expect(page.verdict).toBe("good");
    expect(said(page, "notice").join()).toContain("nothing prunes them");
  });

  test("without a schedule is foretold as often as it ran of late", () => {
    const ages = Array.from({ length: 20 }, (_, index) => 6 * hour + index * 12 * hour);
    const byHand = job({ retention: policy({ last: 4 }) });
    const page = composePage(facts([healthy({ job: byHand, points: ages.map((age) => pointAged(age)) })]));
    expect(page.jobs[0]?.forecast).toMatchObject({ basis: "observed", everySeconds: 12 * 3600, runs: 112 });
    expect(page.jobs[0]).not.toHaveProperty("promise");
    expect(page.headline).toBe("4 volumes backed up, 0 of them known to be as young as promised");
    const few = composePage(facts([healthy({ job: byHand, points: [pointAged(hour), pointAged(day)] })]));
    expect(few.jobs[0]).not.toHaveProperty("forecast");
  });

  test("has as many runs ahead at every time of day, that of a slot which has just passed among them", () => {
    for (let minutes = 0; minutes < 24 * 60; minutes += 10) {
      const now = new Date(asOf.getTime() + minutes * minute);
      const utc = { ...healthy(), job: job({ schedule: "0 2 * * *", splay: 90 * minute }) };
      const runs = composePage(facts([utc], { asOf: now })).jobs[0]?.forecast?.runs;
      expect(runs, now.toISOString()).toBe(56);
    }
  });

  test("without points has a forecast and no recipe", () => {
    const { history: _, ...fresh } = healthy({ points: [] });
    const [one] = composePage(facts([fresh])).jobs;
    expect(one).not.toHaveProperty("recipe");
    expect(one).not.toHaveProperty("runs");
    expect(one?.forecast?.weeks[1]).toMatchObject({ points: 7 });
  });
});

/** Every key that occurs, with the kinds of its values; lists by what they hold. */
function shapeOf(
  value: unknown,
  path = "$",
  found: Map<string, Set<string>> = new Map(),
): Map<string, Set<string>> {
  const kind = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  found.set(path, (found.get(path) ?? new Set()).add(kind));
  if (Array.isArray(value)) for (const one of value) shapeOf(one, `${path}[]`, found);
  else if (kind === "object")
    for (const [key, one] of Object.entries(value as object)) shapeOf(one, `${path}.${key}`, found);
  return found;
}

test("the JSON has this shape, which only grows within a version", () => {
  const pages = [composePage(troubled()), composePage(facts([healthy()]))];
  const shape = shapeOf(JSON.parse(JSON.stringify(pages)));
  const lines = [...shape].map(
    ([path, kinds]) => `${path.replace("$[]", "$")} ${[...kinds].sort().join("|")}`,
  );
  expect(lines.sort().join("\n")).toMatchSnapshot();
});
