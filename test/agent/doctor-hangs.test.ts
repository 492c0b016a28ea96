import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Check, examine } from "../../src/actions/examine.ts";
import { checks } from "../../src/agent/doctor.ts";
import { nothingFound } from "../../src/core/finding.ts";
import { systemClock } from "../../src/host/clock.ts";
import { has, isLinux, need } from "../host/places.ts";
import { healthyHost, noticed, withTopic } from "./doctor-host.ts";

const never = new AbortController().signal;

/** A server that takes connections and says nothing. */
async function silentServer(): Promise<number> {
  const server = createServer(() => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const withHook = (hook: object): string =>
  `${noticed}jobs: ${JSON.stringify({ default: { waits: { request: "10s" }, hooks: [hook] } })}\n`;

describe("a check that hangs", () => {
  const quick: Check<unknown> = {
    name: "quick",
    about: "something",
    why: "",
    command: "",
    run: () => Promise.resolve(nothingFound),
  };

  test.each(checks.map((check) => [check.name, check] as const))(
    "is a finding of its own, and others are not held up: %s",
    async (name, check) => {
      let told: AbortSignal | undefined;
      const hanging: Check<unknown> = {
        ...check,
        run: (_, signal) => {
          told = signal;
          return new Promise(() => undefined);
        },
      };
      const began = performance.now();
      const wish = { clock: systemClock, deadline: 100 };
      const reports = await examine([hanging, quick], undefined, wish, never);
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(reports.map((one) => [one.check, one.findings.length])).toEqual([
        [name, 1],
        ["quick", 0],
      ]);
      const { why, command } = check;
      const what = `${check.about}: no answer within 0.1 s`;
      expect(reports[0]?.findings).toEqual([{ severity: "error", what, why, command, kind: "unreachable" }]);
      expect(told?.aborted, "it is told to end").toBe(true);
      expect(why).not.toBe("");
      expect(command).not.toBe("");
    },
  );

  test("that is interrupted ends all", async () => {
    const stop = new AbortController();
    const hanging: Check<unknown> = { ...quick, run: () => new Promise(() => undefined) };
    const examined = examine([hanging], undefined, { clock: systemClock, deadline: 60_000 }, stop.signal);
    setTimeout(() => stop.abort(), 50);
    await expect(examined).rejects.toMatchObject({ kind: "interrupted" });
  });

  test("and one that breaks is a finding that names it", async () => {
    const broken: Check<unknown> = { ...quick, run: () => Promise.reject(new TypeError("x is undefined")) };
    const [report] = await examine([broken], undefined, { clock: systemClock, deadline: 1_000 }, never);
    expect(report?.findings).toMatchObject([{ what: /TypeError: x is undefined/, advice: /a defect/ }]);
  });
});

describe("doctor ends in time though nobody answers", () => {
  const short = { deadline: 4_000 };

  async function within(ms: number, work: Promise<unknown>): Promise<void> {
    const began = performance.now();
    await work;
    expect(performance.now() - began).toBeLessThan(ms);
  }

  test("for EC2", async () => {
    const patient = await healthyHost();
    patient.simulator.control.faults([{ kind: "hang", service: "ec2", count: "always" }]);
    const examined = patient.examine(short);
    await within(15_000, examined);
    const { findings, untested } = await examined;
    expect(findings).toMatchObject([{ check: "instance", kind: "unreachable", what: /no answer within/ }]);
    expect(untested.length).toBeGreaterThan(3);
  });

  test("for the metadata service", async () => {
    const patient = await healthyHost();
    patient.simulator.control.faults([{ kind: "hang", service: "imds", count: "always" }]);
    const examined = patient.examine(short);
    await within(15_000, examined);
    expect((await examined).findings).toMatchObject([{ check: "metadata", kind: "unreachable" }]);
  });

  test("for KMS, SNS and CloudWatch", async () => {
    const patient = await healthyHost();
    patient.simulator.control.faults(
      (["kms", "sns", "cloudwatch"] as const).map((service) => ({ kind: "hang", service, count: "always" })),
    );
    const examined = patient.examine({ ...short, loaded: withTopic() });
    await within(15_000, examined);
    const { findings } = await examined;
    expect(findings.map(({ check, kind }) => [check, kind])).toEqual([
      ["metrics", "unreachable"],
      ["keys", "unreachable"],
      ["alarms", "unreachable"],
      ["topics", "unreachable"],
    ]);
  });

  test("where all of AWS refuses connections", async () => {
    const patient = await healthyHost();
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    vi.stubEnv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9");
    vi.stubEnv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:9");
    const { findings } = await patient.examine(short);
    expect(findings.map(({ check, kind }) => [check, kind])).toEqual([
      ["instance", "unreachable"],
      ["metrics", "unreachable"],
    ]);
  });

  test.each([
    ["redis", (port: number) => ({ redis: { host: "127.0.0.1", port } })],
    ["mysql", (port: number) => ({ mysql: { host: "127.0.0.1", port, user: "backup" } })],
    ["mongodb", (port: number) => ({ mongodb: { uri: `mongodb://127.0.0.1:${port}` } })],
  ])("for a server of %s", async (_, hook) => {
    const patient = await healthyHost();
    patient.configure(withHook(hook(await silentServer())));
    const examined = patient.examine(short);
    await within(15_000, examined);
    expect((await examined).findings).toMatchObject([{ check: "databases", kind: "unreachable" }]);
  });

  test("for a file on a server that is gone", async (context) => {
    need(context, isLinux && has("mkfifo"), "FIFOs of Linux");
    const patient = await healthyHost();
    const file = path.join(patient.root, "silent");
    execFileSync("mkfifo", ["-m", "600", file]);
    // Whoever waits for the file is let go.
    onTestFinished(() => void openSync(file, constants.O_RDWR | constants.O_NONBLOCK));
    patient.configure(withHook({ redis: { host: "127.0.0.1", passwordFile: file } }));
    const examined = patient.examine(short);
    await within(15_000, examined);
    const { findings } = await examined;
    expect(findings.map(({ check }) => check).sort()).toEqual(["databases", "hooks"]);
  });
});
