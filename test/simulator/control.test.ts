import { CreateSnapshotCommand, DescribeInstancesCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { archive, data, instance, root, type Simulation, simulate } from "./simulate.ts";

async function http(
  { simulator }: Simulation,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: never }> {
  const response = await fetch(`${simulator.url}/_simulator/${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
}

describe("calls", () => {
  test("are numbered and told with time, parameters, outcome and user agent", async () => {
    const simulation = await simulate();
    await simulation.ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: "size", Values: ["8"] }], MaxResults: 5 }),
    );
    await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: "vol-00000000" })).catch(() => undefined);
    const { body } = await http(simulation, "GET", "calls");
    expect(body).toMatchObject([
      {
        number: 1,
        time: "2026-03-01T02:00:00.000Z",
        service: "ec2",
        action: "DescribeVolumes",
        principal: "arn:aws:iam::111122223333:user/tester",
        parameters: { Filter: [{ Name: "size", Value: ["8"] }], MaxResults: 5 },
        userAgent: expect.stringContaining("aws-sdk-js"),
        faults: [],
        outcome: { status: 200, code: "OK" },
      },
      { number: 2, action: "CreateSnapshot", outcome: { status: 400, code: "InvalidVolume.NotFound" } },
    ]);
    expect((await http(simulation, "GET", "calls?since=1")).body).toHaveLength(1);
  });

  test("can be waited for", async () => {
    const simulation = await simulate();
    const waiting = http(simulation, "GET", "calls?since=0&wait=10s");
    await simulation.ec2.send(new DescribeVolumesCommand({}));
    expect((await waiting).body).toMatchObject([{ action: "DescribeVolumes", outcome: { code: "OK" } }]);
    expect((await http(simulation, "GET", "calls?since=1&wait=10ms")).body).toEqual([]);
  });
});

describe("the clock", () => {
  test("goes forward by a duration or to an instant, never back", async () => {
    const simulation = await simulate();
    expect((await http(simulation, "POST", "clock", { advance: "1d12h" })).body).toEqual({
      now: "2026-03-02T14:00:00.000Z",
    });
    expect((await http(simulation, "POST", "clock", { set: "2026-03-03T00:00:00Z" })).body).toEqual({
      now: "2026-03-03T00:00:00.000Z",
    });
    expect((await http(simulation, "POST", "clock", { set: "2026-03-02T00:00:00Z" })).status).toBe(400);
    expect((await http(simulation, "POST", "clock", { advance: "-1h" })).status).toBe(400);
    expect((await http(simulation, "POST", "clock", { advance: "soon" })).status).toBe(400);
    expect((await http(simulation, "GET", "clock")).body).toEqual({ now: "2026-03-03T00:00:00.000Z" });
  });

  test("runs on by itself, as fast as the scenario says", async () => {
    const { control } = await simulate({ clock: { start: "2026-03-01T02:00:00Z", speed: 36_000 } });
    await expect
      .poll(async () => Date.parse((await control.clock({})).now))
      .toBeGreaterThan(Date.parse("2026-03-01T03:00:00Z"));
  });
});

describe("changes of the world", () => {
  test("volumes are made, attached, changed, detached and deleted", async () => {
    const simulation = await simulate();
    const change = (body: unknown) => http(simulation, "POST", "volumes", body);
    const { body } = await change({ create: { size: 20, type: "gp2", tags: { Name: "new" } } });
    const [volume = ""] = (body as { ids: string[] }).ids;
    await change([
      { attach: { volume, instance, device: "/dev/sdh" } },
      { change: { volume, size: 30, tags: { Name: null, "aws:x": "1" } } },
    ]);
    const seen = async () =>
      (await simulation.ec2.send(new DescribeVolumesCommand({ VolumeIds: [volume] }))).Volumes?.[0];
    expect(await seen()).toMatchObject({
      Size: 30,
      State: "in-use",
      Tags: [{ Key: "aws:x", Value: "1" }],
      Attachments: [
        { InstanceId: instance, Device: "/dev/sdh", AttachTime: new Date("2026-03-01T02:00:00Z") },
      ],
    });
    await change({ detach: { volume } });
    expect(await seen()).toMatchObject({ State: "available", Attachments: [] });
    await change({ delete: { volume } });
    await expect(seen()).rejects.toMatchObject({ name: "InvalidVolume.NotFound" });
  });

  test("instances change their tags and state, and others come", async () => {
    const simulation = await simulate();
    await http(simulation, "POST", "instances", [
      { change: { instance, state: "stopped", tags: { Backup: "no", Name: null } } },
      { create: { id: "i-00000002", name: "second" } },
    ]);
    const { Reservations = [] } = await simulation.ec2.send(new DescribeInstancesCommand({}));
    const lines = Reservations.map(({ Instances }) => [
      Instances?.[0]?.InstanceId,
      Instances?.[0]?.State?.Name,
      Instances?.[0]?.Tags,
    ]);
    expect(lines).toEqual([
      ["i-00000002", "running", [{ Key: "Name", Value: "second" }]],
      [instance, "stopped", [{ Key: "Backup", Value: "no" }]],
    ]);
  });

  test("snapshots come, change and go", async () => {
    const simulation = await simulate({ settle: { seconds: 60 } });
    const snapshot = "snap-00000001";
    const change = (body: unknown) => http(simulation, "POST", "snapshots", body);
    await change({ create: { id: snapshot, volumeId: root, state: "pending" } });
    const seen = async () => (await simulation.control.state()).snapshots[snapshot];
    expect(await seen()).toMatchObject({ state: "pending", completesAt: Date.parse("2026-03-01T02:01:00Z") });
    await change({ change: { snapshot, state: "error", stateMessage: "broken", storageTier: "archive" } });
    expect(await seen()).toMatchObject({ state: "error", stateMessage: "broken", storageTier: "archive" });
    await change({ change: { snapshot, state: "completed", image: "ami-00000001" } });
    expect(await seen()).toMatchObject({
      state: "completed",
      completionTime: Date.parse("2026-03-01T02:00:00Z"),
    });
    expect((await simulation.control.state()).images["ami-00000001"]?.snapshots).toEqual({
      "/dev/xvda": snapshot,
    });
    await change({ remove: { snapshot } });
    expect(await seen()).toBeUndefined();
  });

  test.each([
    ["volumes", { attach: { volume: root, instance, device: "/dev/sdz" } }, "attached already"],
    ["volumes", { create: { id: root, size: 1 } }, "exists already"],
    ["volumes", { delete: { volume: data } }, "is attached"],
    [
      "volumes",
      { attach: { volume: "vol-00000000", instance, device: "/dev/sdz" } },
      "there is no volume vol-00000000",
    ],
    ["volumes", { create: { size: 1 }, delete: { volume: data } }, "exactly one verb"],
    ["volumes", { resize: { volume: archive } }, "volumes[0].resize: unknown"],
    ["instances", { change: { instance, state: "asleep" } }, "expected one of pending"],
    ["snapshots", { change: { snapshot: "constructor" } }, "there is no snapshot constructor"],
    ["settings", { self: "i-00000000" }, "there is no instance i-00000000"],
    ["settings", { region: "us-east-1" }, "settings.region: unknown"],
    ["faults", [{ kind: "earthquake" }], "expected one of throttle"],
    ["reset", { clock: { speed: -1 } }, "clock.speed: expected a number from 0"],
    ["clock", "{", "JSON"],
  ])("%s refuse %o", async (path, body, message) => {
    const answer = await http(await simulate(), "POST", path, body);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(message) } });
  });

  test("what does not exist is told with what does", async () => {
    const answer = await http(await simulate(), "POST", "weather");
    expect(answer).toMatchObject({
      status: 404,
      body: { known: expect.arrayContaining(["GET /_simulator/calls"]) },
    });
  });
});

test("faults are set, replaced, shown and cleared over HTTP", async () => {
  const simulation = await simulate();
  await http(simulation, "POST", "faults", [{ kind: "500" }]);
  const replaced = await http(simulation, "POST", "faults?replace=true", [{ kind: "503", count: 2 }]);
  expect(replaced.body).toEqual([{ fault: { kind: "503", count: 2 }, left: 2 }]);
  expect((await http(simulation, "GET", "faults")).body).toEqual(replaced.body);
  expect((await http(simulation, "DELETE", "faults")).body).toEqual([]);
  await simulation.ec2.send(new DescribeVolumesCommand({}));
});

test("a reset goes back to the beginning, or to another one", async () => {
  const simulation = await simulate();
  await simulation.control.clock({ advance: "1d" });
  await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: root }));
  simulation.control.faults([{ kind: "500" }]);
  await http(simulation, "POST", "reset");
  expect(simulation.control.pendingFaults()).toEqual([]);
  expect(simulation.control.calls()).toEqual([]);
  const state = await simulation.control.state();
  expect(state.now).toBe("2026-03-01T02:00:00.000Z");
  expect(Object.keys(state.snapshots)).toEqual(["snap-0a3a0000000000001"]);
  await http(simulation, "POST", "reset", { instances: [{ id: "i-00000009" }] });
  expect(Object.keys((await simulation.control.state()).instances)).toEqual(["i-00000009"]);
});
