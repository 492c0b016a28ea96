import { describe, expect, it } from "vitest";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { chooseStored, holding, ofMachine, repositoriesToAsk } from "../../src/core/stored-choice.ts";
import { storedPlace } from "../../src/core/stored-path.ts";
import { versionsOf } from "../../src/core/stored-versions.ts";

function point(minute: number, more: Partial<RecoveryPoint> = {}, paths = ["/srv"]): RecoveryPoint {
  const id = String(minute).padStart(64, "a");
  return {
    id: `point-${String(minute).padStart(6, "0")}`,
    run: "r",
    job: "nightly",
    series: "host/build/nightly/files",
    instanceArn: "host/build",
    name: "build",
    state: "complete",
    captured: new Date(minute * 60_000),
    consistency: "crash",
    snapshots: [
      {
        id,
        volumeId: "files",
        state: "completed",
        startTime: new Date(minute * 60_000),
        volumeSizeGiB: 0,
        encrypted: true,
        archived: false,
        tags: {},
      },
    ],
    recipe: [],
    holds: [],
    stored: {
      repository: "central",
      content: "files",
      source: "files",
      paths,
      original: id,
      tags: [],
      markers: [],
    },
    ...more,
  };
}
const at = (text: string) => storedPlace(text) ?? expect.fail("no place");
const dump = (minute: number, name: string) => {
  const { stored, ...rest } = point(minute);
  if (stored === undefined) return expect.fail("not stored");
  return { ...rest, stored: { ...stored, content: "dump" as const, dump: name, paths: [`/${name}.sql`] } };
};

describe("the stored point that is restored", () => {
  it("is the newest whole one that can hold the path", () => {
    const points = [
      point(1),
      point(2, { state: "partial" }),
      point(3, {}, ["/etc", "/srv-2"]),
      dump(4, "shop"),
    ];
    expect(chooseStored(points, at("/srv/x"), {}).point.id).toBe("point-000001");
    expect(chooseStored(points, at("/etc"), {}).point.id).toBe("point-000003");
    expect(chooseStored(points, at("dump/shop"), {}).point.id).toBe("point-000004");
    expect(holding(points, at("/"))).toHaveLength(3);
  });

  it("may be named by the id of the point or of restic, whatever its state", () => {
    const points = [point(1), point(2, { state: "partial" })];
    expect(chooseStored(points, at("/srv"), { point: "point-000002" }).point.state).toBe("partial");
    expect(chooseStored(points, at("/srv"), { point: String(2).padStart(64, "a") }).point.state).toBe(
      "partial",
    );
  });

  it("is none whose time is not believed, until it is named", () => {
    const forged = point(9, { holds: [{ by: "clock", detail: "dated next year" }] });
    expect(chooseStored([point(1), forged], at("/srv"), {}).point.id).toBe("point-000001");
    expect(chooseStored([forged], at("/srv"), { point: forged.id }).point.id).toBe(forged.id);
  });

  it("is told to be nowhere with what there is", () => {
    expect(() => chooseStored([point(1), dump(2, "shop")], at("/home"), {})).toThrow(
      /no stored point was made of it: there are \/srv, dump\/shop/,
    );
    expect(() => chooseStored([], at("/home"), {})).toThrow(/there is no stored point/);
  });

  it("is asked for by machine where several are meant", () => {
    const other = point(5, { instanceArn: "arn:aws:ec2:eu-central-1:1:instance/i-0a", name: "web" });
    const points = [point(1), other];
    for (const name of ["web", "i-0a", other.instanceArn])
      expect(ofMachine(points, name, undefined)).toEqual([other]);
    expect(ofMachine(points, undefined, ["host/build"])).toEqual([points[0]]);
    expect(() => chooseStored(ofMachine(points, undefined, undefined), at("/srv"), {})).toThrow(/--instance/);
  });
});

describe("the repositories that are asked", () => {
  const [central, offsite] = [{ name: "central", mirror: { to: "offsite" } }, { name: "offsite" }];

  it("are all but mirrors, which stand in for their sources", () => {
    expect(repositoriesToAsk([central, offsite], undefined)).toEqual([
      { name: "central", mirror: "offsite" },
    ]);
    expect(repositoriesToAsk([offsite], undefined)).toEqual([{ name: "offsite" }]);
    const each = [central, { name: "offsite", mirror: { to: "central" } }];
    expect(repositoriesToAsk(each, undefined)).toHaveLength(2);
  });

  it("are the one that is named, and no other in its place", () => {
    expect(repositoriesToAsk([central, offsite], "central")).toEqual([{ name: "central" }]);
    expect(() => repositoriesToAsk([central, offsite], "centrel")).toThrow(/name one of central, offsite/);
  });
});

it("tells the versions of a path, each with the points that have it", () => {
  const entry = (path: string, size: number) => ({ path, type: "file" as const, size });
  const hits = [
    { point: point(3), entries: [entry("/b", 1), entry("/a", 2)] },
    { point: point(2), entries: [entry("/a", 2)] },
    { point: point(1), entries: [entry("/a", 1)] },
  ];
  expect(versionsOf(hits).map((one) => [one.entry.path, one.entry.size, one.points.length])).toEqual([
    ["/a", 2, 2],
    ["/a", 1, 1],
    ["/b", 1, 1],
  ]);
});
