import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf, setsOf } from "./history.ts";

interface Asked {
  readonly method: string | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Listens at the IPv6 address of loopback and hands on what it is asked, which it records. */
async function atIpv6(url: string): Promise<{ readonly port: number; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url: given = "" } = incoming;
    const path = given.replace(/^\/+/, "/");
    asked.push({ method, path, headers });
    const onward = request(`${url}${path}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "::1", resolve);
  });
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

const document = "/latest/dynamic/instance-identity/document";
const credentials = "/latest/meta-data/iam/security-credentials/";
const userData = "/latest/user-data";
/** It would answer whoever asks without a token. */
const both = { limits: false, imds: { v1: true } };

const standing = path.resolve(import.meta.dirname, "../fakes/metadata-at-ipv6.cjs");
const ways: [string, (port: number) => Record<string, string>, (port: number) => string][] = [
  [
    "that it is told",
    (port) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://[::1]:${port}` }),
    (port) => `[::1]:${port}`,
  ],
  [
    "of the mode IPv6",
    (port) => ({
      AWS_EC2_METADATA_SERVICE_ENDPOINT: "",
      AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6",
      NODE_OPTIONS: `--require=${standing}`,
      METADATA_PORT: String(port),
    }),
    () => "[fd00:ec2::254]",
  ],
];

test.each(ways)(
  "a run finds instance and credentials at an address %s, and never asks without a token",
  async (_, env, host) => {
    const instances = [{ id: instance.id, userData: "#!/bin/sh\n" }];
    await using bench = await Bench.start(scenarioOf(2, 0, { ...both, instances }));
    const { port, asked } = await atIpv6(bench.simulator.url);
    const run = await bench.run({ env: env(port) });
    expect(run.code, run.stderr).toBe(0);
    const [set] = setsOf(await bench.simulator.control.state());
    expect(set?.snapshots[0]?.tags[tagKeys.instance]).toBe(instance.arn);
    expect(new Set(asked.map(({ headers }) => headers.host))).toEqual(new Set([host(port)]));
    const read = asked.filter(({ method }) => method !== "PUT");
    expect(read.map(({ path }) => path)).toEqual(expect.arrayContaining([document, credentials, userData]));
    for (const { path, headers } of read)
      expect(headers["x-aws-ec2-metadata-token"], path).toEqual(expect.stringMatching(/./));
    const all = bench.simulator.control.calls().filter(({ service }) => service === "imds");
    expect(all.map(({ action }) => action).sort()).toEqual(asked.map(({ path }) => path).sort());
  },
);

test.each([
  ["at all", 0, []],
  ["for the credentials", 1, [document]],
])("where it gives no token %s, the run fails and does not ask version 1", async (_, skip, some) => {
  await using bench = await Bench.start(scenarioOf(2, 0, both));
  const { control } = bench.simulator;
  control.faults([
    {
      kind: "error",
      service: "imds",
      action: "/latest/api/token",
      code: "404",
      status: 404,
      skip,
      count: "always",
    },
  ]);
  const run = await bench.run();
  expect(run.code, run.stderr).toBe(69);
  const calls = control.calls().filter(({ service }) => service === "imds");
  const read = calls.filter(({ action }) => action !== "/latest/api/token").map(({ action }) => action);
  expect(read).toEqual(expect.arrayContaining(some));
  expect(read.length > 0).toBe(some.length > 0);
  expect(read.filter((path) => path.startsWith(credentials))).toEqual([]);
  expect(bench.apiCalls()).toEqual([]);
});

test.each([
  ["cn-north-1", "aws-cn"],
  ["us-gov-west-1", "aws-us-gov"],
] as const)("a point made in %s names its instance in the partition %s", async (region, partition) => {
  const place = { region, zone: `${region}a`, partition };
  await using bench = await Bench.start(scenarioOf(2, 0, { ...place, limits: false }));
  const { control } = bench.simulator;
  const arn = `arn:${partition}:ec2:${region}:${instance.account}:instance/${instance.id}`;
  // Where the metadata does not tell the partition, the name of the Region does.
  const untold = {
    kind: "error",
    service: "imds",
    action: "/latest/meta-data/services/partition",
    code: "404",
    status: 404,
  } as const;
  for (const faults of [[], [untold]]) {
    control.faults(faults);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    const point = run.report.points[0]?.id ?? "";
    const made = Object.values((await control.state()).snapshots).filter(
      ({ tags }) => tags[tagKeys.point] === point,
    );
    expect(made.map(({ tags }) => tags[tagKeys.instance])).toEqual([arn, arn]);
    await bench.tomorrow();
  }
});
