import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { currentStatus } from "../../src/agent/current-status.ts";
import type { AgentOptions } from "../../src/agent/wish.ts";
import { StateDirectory } from "../../src/host/state.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { report } from "../core/reports.ts";
import { folder } from "../host/places.ts";
import { instance, scenarioOf } from "../system/history.ts";

const hour = 3_600_000;

/** A host whose point of tonight was pending when it was last seen; AWS has points of three days. */
async function unsureHost() {
  const simulator = await startSimulator({ scenario: scenarioOf(2, 3, { limits: false }) });
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await simulator.close();
  });
  for (const [name, value] of Object.entries(simulator.environment)) vi.stubEnv(name, value);
  const stateDirectory = await folder();
  const ago = (hours: number) => new Date(Date.now() - hours * hour).toISOString();
  const volumes = [{ volume: "vol-1", device: "/dev/sdf", newest: ago(30), settling: ago(6) }];
  const newestComplete = { captured: ago(30), bytes: 5, ageSeconds: 0 };
  const state = await StateDirectory.open(stateDirectory, instance.id);
  await state.record(report({ series: { complete: 1, newestComplete, volumes } }));
  const options: AgentOptions = {
    version: "1.2.3",
    loaded: { absent: true },
    stateDirectory,
    self: {
      platform: process.platform,
      pid: process.pid,
      uid: process.getuid?.(),
      env: process.env,
      home: stateDirectory,
      kill: () => undefined,
      files: [],
      runtimeDirectory: path.join(stateDirectory, "run"),
    },
    owner: "a test",
    log: () => undefined,
    progress: () => undefined,
    flags: {},
  };
  const ask = (within?: number) => currentStatus(options, new Date(), never, within);
  const described = () =>
    simulator.control.calls().filter(({ action }) => action === "DescribeSnapshots").length;
  return { simulator, options, ask, described, state };
}

const never = new AbortController().signal;

test("where a point was not complete when it was last seen, AWS is asked", async () => {
  const { ask } = await unsureHost();
  const status = await ask();
  expect(status).toMatchObject({ from: "aws", notes: [], jobs: [{ job: "default", overdue: false }] });
  expect(status.jobs[0]?.volumes.map(({ verdict }) => verdict)).toEqual(["kept", "kept"]);
});

test("where all is well nobody is asked", async () => {
  const { ask, described, state } = await unsureHost();
  await state.update("default", (known) => ({
    ...known,
    newest: { captured: new Date().toISOString(), bytes: 5 },
    volumes: known.volumes?.map((one) => ({ ...one, newest: new Date().toISOString() })) ?? [],
  }));
  expect(await ask()).toMatchObject({ from: "host", notes: [], jobs: [{ overdue: false }] });
  expect(described()).toBe(0);
});

test.each(["ec2", "imds"] as const)(
  "where %s does not answer in time it goes by what is remembered, and says so",
  async (service) => {
    const { simulator, ask } = await unsureHost();
    simulator.control.faults([{ kind: "hang", service, count: "always" }]);
    const began = performance.now();
    const status = await ask(300);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(status).toMatchObject({
      from: "host",
      notes: [
        expect.stringMatching(/^this is what is remembered, since: cannot ask AWS .*no answer within 0\.3 s/),
      ],
      jobs: [{ volumes: [{ verdict: "settling" }] }],
    });
  },
);

test("where AWS refuses, it says why", async () => {
  const { simulator, ask } = await unsureHost();
  await simulator.control.settings({ deny: [{ action: "ec2:DescribeSnapshots" }] });
  const { from, notes } = await ask();
  expect([from, notes]).toEqual(["host", [expect.stringContaining("UnauthorizedOperation (403)")]]);
});

test("who is told to stop does not go by memory", async () => {
  const { options, simulator } = await unsureHost();
  simulator.control.faults([{ kind: "hang", service: "ec2", count: "always" }]);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 500);
  await expect(currentStatus(options, new Date(), stop.signal)).rejects.toMatchObject({
    kind: "interrupted",
  });
});
