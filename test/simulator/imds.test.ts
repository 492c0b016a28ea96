import { MetadataService } from "@aws-sdk/ec2-metadata-service";
import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { instance, type Simulation, simulate } from "./simulate.ts";

const ttl = "x-aws-ec2-metadata-token-ttl-seconds";
const header = "x-aws-ec2-metadata-token";

const token = ({ simulator }: Simulation, headers: Record<string, string> = { [ttl]: "60" }) =>
  fetch(`${simulator.url}/latest/api/token`, { method: "PUT", headers });

const get = (simulation: Simulation, path: string, headers: Record<string, string> = {}) =>
  fetch(`${simulation.simulator.url}${path}`, { headers });

/** Status and text under a path, with a fresh token. */
async function read(scenario: Scenario, path: string): Promise<[number, string]> {
  const simulation = await simulate(scenario);
  const response = await get(simulation, path, { [header]: await (await token(simulation)).text() });
  return [response.status, await response.text()];
}

test("the SDK's metadata client reads it", async () => {
  const { simulator } = await simulate();
  const client = new MetadataService({ endpoint: simulator.url, ec2MetadataV1Disabled: true });
  expect(await client.request("/latest/meta-data/instance-id", {})).toBe(instance);
  const document = JSON.parse(await client.request("/latest/dynamic/instance-identity/document", {}));
  expect(document).toMatchObject({
    accountId: "111122223333",
    instanceId: instance,
    region: "eu-central-1",
    availabilityZone: "eu-central-1a",
    instanceType: "m7i.large",
  });
});

describe("paths", () => {
  const china: Scenario = { partition: "aws-cn", region: "cn-north-1" };
  test.each<[string, Scenario, string]>([
    ["placement/region", {}, "eu-central-1"],
    ["placement/availability-zone", {}, "eu-central-1a"],
    ["services/partition", {}, "aws"],
    ["services/domain", {}, "amazonaws.com"],
    ["services/partition", china, "aws-cn"],
    ["services/domain", china, "amazonaws.com.cn"],
    ["iam/security-credentials/", {}, "ec2-backup"],
    ["block-device-mapping/", {}, "ami\nebs1\nebs2\nroot"],
    ["block-device-mapping/ami", {}, "xvda"],
    ["block-device-mapping/root", {}, "/dev/xvda"],
    ["block-device-mapping/ebs1", {}, "sdf"],
    ["tags/instance/Backup", { imds: { tags: true } }, "yes"],
    ["tags/instance", { imds: { tags: true } }, "Backup\nName"],
  ])("%s", async (path, scenario, text) => {
    expect(await read(scenario, `/latest/meta-data/${path}`)).toEqual([200, text]);
  });

  test.each<[string, Scenario]>([
    ["tags/instance", {}],
    ["tags/instance/Nothing", { imds: { tags: true } }],
    ["iam/info", { instances: [{ id: instance, role: null }] }],
    ["iam/security-credentials/other-role", {}],
    ["nothing", {}],
    ["%ff", {}],
    ["constructor", {}],
  ])("%s does not exist", async (path, scenario) => {
    expect((await read(scenario, `/latest/meta-data/${path}`))[0]).toBe(404);
  });

  test("volumes attached after launch, and NVMe instance stores, are not known", async () => {
    const simulation = await simulate({
      instances: [
        {
          id: instance,
          instanceStores: [
            { device: "/dev/nvme1n1", virtualName: "ephemeral0" },
            { device: "/dev/sdb", virtualName: "ephemeral1" },
          ],
        },
      ],
      volumes: [
        { size: 1, attachments: [{ instance, device: "/dev/sdf" }] },
        { size: 1, attachments: [{ instance, device: "/dev/sdg", atLaunch: false }] },
      ],
    });
    const [id] = await simulation.control.volumes({ create: { size: 1 } });
    await simulation.control.volumes({ attach: { volume: id, instance, device: "/dev/sdh" } });
    const headers = { [header]: await (await token(simulation)).text() };
    const list = await get(simulation, "/latest/meta-data/block-device-mapping/", headers);
    expect(await list.text()).toBe("ami\nebs1\nephemeral1\nroot");
  });
});

describe("tokens", () => {
  test.each(["0", "21601", "-1", "ten", ""])("a life of %s seconds is refused", async (seconds) => {
    expect((await token(await simulate(), { [ttl]: seconds })).status).toBe(400);
  });

  test("without a life, or through a proxy, none is given", async () => {
    const simulation = await simulate();
    expect((await token(simulation, {})).status).toBe(400);
    expect((await token(simulation, { [ttl]: "60", "x-forwarded-for": "10.0.0.1" })).status).toBe(403);
  });

  test("none, a wrong one and an expired one are refused with 401", async () => {
    const simulation = await simulate();
    const path = "/latest/meta-data/instance-id";
    expect((await get(simulation, path)).status).toBe(401);
    expect((await get(simulation, path, { [header]: "constructor" })).status).toBe(401);
    const good = { [header]: await (await token(simulation)).text() };
    expect((await get(simulation, path, good)).status).toBe(200);
    await simulation.control.clock({ advance: "61s" });
    expect((await get(simulation, path, good)).status).toBe(401);
  });

  test("are not needed when version 1 is allowed, but a wrong one is still refused", async () => {
    const simulation = await simulate({ imds: { v1: true } });
    expect((await get(simulation, "/latest/meta-data/instance-id")).status).toBe(200);
    expect((await get(simulation, "/latest/meta-data/instance-id", { [header]: "x" })).status).toBe(401);
  });
});

test("disabled, it answers 403 to everything", async () => {
  const simulation = await simulate({ imds: { enabled: false } });
  expect((await token(simulation)).status).toBe(403);
  expect((await get(simulation, "/latest/meta-data/instance-id", { [header]: "x" })).status).toBe(403);
});

test("with too small a hop limit no answer to PUT ever comes", async () => {
  const simulation = await simulate({ imds: { hopLimitFailure: true } });
  const request = fetch(`${simulation.simulator.url}/latest/api/token`, {
    method: "PUT",
    headers: { [ttl]: "60" },
    signal: AbortSignal.timeout(300),
  });
  await expect(request).rejects.toMatchObject({ name: "TimeoutError" });
  expect(simulation.control.calls()).toMatchObject([{ outcome: { status: null, code: "hop-limit" } }]);
});

describe("credentials", () => {
  async function credentials(simulation: Simulation): Promise<Record<string, string>> {
    const headers = { [header]: await (await token(simulation)).text() };
    const response = await get(simulation, "/latest/meta-data/iam/security-credentials/ec2-backup", headers);
    return JSON.parse(await response.text());
  }

  test("live as long as the scenario says, and are replaced before they end", async () => {
    const simulation = await simulate({ imds: { credentialSeconds: 3_600 } });
    const first = await credentials(simulation);
    expect(first).toMatchObject({
      Code: "Success",
      Type: "AWS-HMAC",
      LastUpdated: "2026-03-01T02:00:00Z",
      Expiration: "2026-03-01T03:00:00Z",
    });
    await simulation.control.clock({ advance: "54m" });
    expect(await credentials(simulation)).toEqual(first);
    await simulation.control.clock({ advance: "2m" });
    const second = await credentials(simulation);
    expect(second.AccessKeyId).not.toBe(first.AccessKeyId);
    expect(second.Expiration).toBe("2026-03-01T03:56:00Z");
  });

  test("are those of the instance that it speaks for", async () => {
    const other = "i-00000000000000002";
    const simulation = await simulate({ instances: [{ id: instance }, { id: other, role: "ec2-backup" }] });
    await simulation.control.settings({ self: other });
    const { AccessKeyId = "" } = await credentials(simulation);
    const { credentials: held } = await simulation.control.state();
    expect(held[AccessKeyId]?.arn).toBe(`arn:aws:sts::111122223333:assumed-role/ec2-backup/${other}`);
  });
});

describe("faults hit it only when they name it", () => {
  test("by path", async () => {
    const simulation = await simulate();
    simulation.control.faults([
      { kind: "500", count: 5 },
      { service: "imds", action: "/latest/meta-data/*", kind: "error", status: 429 },
      { service: "imds", action: "/latest/api/token", kind: "throttle" },
    ]);
    expect((await token(simulation)).status).toBe(503);
    const headers = { [header]: await (await token(simulation)).text() };
    expect((await get(simulation, "/latest/meta-data/instance-id", headers)).status).toBe(429);
    expect((await get(simulation, "/latest/meta-data/instance-id", headers)).status).toBe(200);
  });

  test.each(["reset-before", "hang", "truncated"] as const)("%s", async (kind) => {
    const simulation = await simulate();
    simulation.control.faults([{ service: "imds", kind }]);
    const call = fetch(`${simulation.simulator.url}/latest/api/token`, {
      method: "PUT",
      headers: { [ttl]: "60" },
      signal: AbortSignal.timeout(500),
    });
    await expect(call.then((response) => response.text())).rejects.toThrow();
  });
});

describe("notices", () => {
  const path = "/latest/meta-data/";
  async function reading(simulation: Simulation, what: string): Promise<[number, string]> {
    const response = await get(simulation, `${path}${what}`, {
      [header]: await (await token(simulation)).text(),
    });
    return [response.status, await response.text()];
  }
  const stateOf = async ({ control }: Simulation) => (await control.state()).instances[instance]?.state;

  test.each([
    ["terminate", "shutting-down", "terminated"],
    ["stop", "stopping", "stopped"],
  ] as const)("of a spot interruption: %s, two minutes before", async (action, next, last) => {
    const simulation = await simulate({ instances: [{ id: instance, lifecycle: "spot" }] });
    const { control } = simulation;
    expect((await reading(simulation, "spot/instance-action"))[0]).toBe(404);
    await control.instances({ change: { instance, interruption: { action } } });
    const [status, body] = await reading(simulation, "spot/instance-action");
    expect([status, JSON.parse(body)]).toEqual([200, { action, time: "2026-03-01T02:02:00Z" }]);
    const [termination] = await reading(simulation, "spot/termination-time");
    expect(termination).toBe(action === "terminate" ? 200 : 404);
    await control.clock({ advance: "119s" });
    expect(await stateOf(simulation)).toBe("running");
    await control.clock({ advance: "1s" });
    expect(await stateOf(simulation)).toBe(next);
    await control.clock({ advance: "10s" });
    expect(await stateOf(simulation)).toBe(last);
  });

  test("of what an Auto Scaling group brings its member to, within the time of a lifecycle hook", async () => {
    const tags = { "aws:autoscaling:groupName": "web" };
    const simulation = await simulate({ instances: [{ id: instance, tags }] });
    const { control } = simulation;
    expect(await reading(simulation, "autoscaling/target-lifecycle-state")).toEqual([200, "InService"]);
    await control.instances({ change: { instance, target: { state: "Terminated", seconds: 60 } } });
    expect(await reading(simulation, "autoscaling/target-lifecycle-state")).toEqual([200, "Terminated"]);
    await control.clock({ advance: "59s" });
    expect(await stateOf(simulation)).toBe("running");
    await control.clock({ advance: "1s" });
    expect(await stateOf(simulation)).toBe("shutting-down");
  });

  test("are none where nothing is announced", async () => {
    const simulation = await simulate();
    for (const what of ["spot/instance-action", "spot/", "autoscaling/target-lifecycle-state"])
      expect((await reading(simulation, what))[0]).toBe(404);
    await simulation.control.instances({ change: { instance, interruption: {} } });
    await simulation.control.instances({ change: { instance, interruption: null } });
    expect((await reading(simulation, "spot/instance-action"))[0]).toBe(404);
  });
});
