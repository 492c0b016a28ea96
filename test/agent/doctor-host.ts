import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
} from "@aws-sdk/client-cloudwatch";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { fromInstanceMetadata } from "@aws-sdk/credential-providers";
import { onTestFinished, vi } from "vitest";
import { applied } from "../../src/agent/alarms.ts";
import type { DoctorOptions } from "../../src/agent/doctor/ground.ts";
import { doctor } from "../../src/agent/doctor.ts";
import type { Loaded } from "../../src/config/load.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";
import { type CheckReport, type Finding, worstFirst } from "../../src/core/finding.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { soon } from "../fakes/soon.ts";
import { scenarioOf } from "../system/history.ts";

/** The key of the volumes. */
export const key = "arn:aws:kms:eu-central-1:111122223333:key/0fa0";
export const topic = "arn:aws:sns:eu-central-1:111122223333:backups";

/** A host on which a test plants a fault. */
export interface Patient {
  readonly simulator: Simulator;
  /** The root of what is looked at of the system's files. */
  readonly root: string;
  readonly proc: string;
  readonly state: string;
  /** Starts a program of the name in the place of /proc that is looked at. */
  run(name: string, ...words: readonly string[]): ChildProcess;
  /** The same with a script that takes any words. */
  script(name: string, ...words: readonly string[]): ChildProcess;
  /** Takes the text of a configuration file; a faulty one is a fault of the host. */
  configure(text: string): void;
  /** Makes the alarms as the configuration has them. */
  applyAlarms(loaded?: Loaded): Promise<void>;
  /** What doctor finds, the worst first. */
  examine(change?: Partial<DoctorOptions>): Promise<Examined>;
}

interface Examined {
  readonly reports: readonly CheckReport[];
  readonly findings: readonly (Finding & { readonly check: string })[];
  readonly untested: readonly string[];
}

/** Somebody is told of what fails. */
export const noticed = "version: 1\nnotify: { ping: { url: https://example.org/ping } }\n";

/** Long enough for a busy machine. */
const config = `${noticed}jobs: { default: { schedule: "${soon}", waits: { request: 10s, capture: 10s } } }\n`;

/**
 * An instance that is in order: points of three days, encrypted volumes whose key is good, one line of cron and
 * its daemon.
 */
export async function healthyHost(change: Partial<Scenario> = {}): Promise<Patient> {
  const base = scenarioOf(2, 3, { limits: false });
  const volumes = (base.volumes ?? []).map((one) => ({ ...one, encrypted: true, kmsKeyId: key }));
  const simulator = await startSimulator({ scenario: { ...base, volumes, ...change } });
  const home = await mkdtemp(path.join(tmpdir(), "ec2-backup-test-"));
  const children: ChildProcess[] = [];
  onTestFinished(async () => {
    for (const child of children) child.kill("SIGKILL");
    vi.unstubAllEnvs();
    await simulator.close();
    await rm(home, { recursive: true, force: true });
  });
  const [root, proc, state] = ["root", "proc", "state"].map((name) => path.join(home, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [path.join(root, "etc/cron.d"), path.join(root, "var/log"), proc, state])
    mkdirSync(one, { recursive: true, mode: 0o755 });
  writeFileSync(path.join(root, "etc/cron.d/ec2-backup"), "# nightly\n17 2 * * * root ec2-backup run\n");
  environment(simulator, home);
  let loaded = loadedOf(config);
  const seen = (child: ChildProcess): ChildProcess => {
    children.push(child);
    symlinkSync(`/proc/${child.pid}`, path.join(proc, String(child.pid)));
    return child;
  };
  const patient: Patient = {
    simulator,
    root,
    proc,
    state,
    run(name, ...words) {
      const program = path.join(home, name);
      copyFileSync("/bin/sleep", program);
      return seen(spawn(program, words, { stdio: "ignore" }));
    },
    script(name, ...words) {
      const program = path.join(home, name);
      writeFileSync(program, "#!/bin/sh\nread forever\n", { mode: 0o755 });
      return seen(spawn("/bin/sh", [program, ...words], { stdio: ["pipe", "ignore", "ignore"] }));
    },
    configure(text) {
      loaded = loadedOf(text);
    },
    async applyAlarms(other = loaded) {
      await applied(optionsOf(patient, home, other), new AbortController().signal);
    },
    async examine(wish = {}) {
      const reports = await doctor(
        { ...optionsOf(patient, home, loaded), ...wish },
        new AbortController().signal,
      );
      const untested = reports.flatMap(({ untested = [] }) => untested.map(({ what }) => what));
      return { reports, findings: worstFirst(reports), untested };
    },
  };
  patient.run("cron", "600");
  return patient;
}

/** Disables the actions of all alarms of the instance. */
export async function disableAlarms(): Promise<void> {
  const client = new CloudWatchClient({ credentials: fromInstanceMetadata() });
  onTestFinished(() => client.destroy());
  const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({}));
  const AlarmNames = MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []);
  await client.send(new DisableAlarmActionsCommand({ AlarmNames }));
}

/** The topic, with so many who have confirmed their subscriptions and so many who have not. */
export async function plantTopic(
  { simulator }: Patient,
  { attributes = {}, confirmed = 1, pending = 0 }: PlantedTopic = {},
): Promise<void> {
  const client = new SNSClient({ credentials: fromInstanceMetadata() });
  onTestFinished(() => client.destroy());
  await client.send(new CreateTopicCommand({ Name: topic.split(":").at(-1), Attributes: attributes }));
  for (let index = 0; index < confirmed + pending; index += 1) {
    const Endpoint = `person${index}@example.com`;
    await client.send(new SubscribeCommand({ TopicArn: topic, Protocol: "email", Endpoint }));
    if (index < confirmed) await simulator.control.confirm(Endpoint);
  }
}

export interface PlantedTopic {
  readonly attributes?: Readonly<Record<string, string>>;
  readonly confirmed?: number;
  readonly pending?: number;
}

function environment(simulator: Simulator, home: string): void {
  const env = {
    ...simulator.environment,
    HOME: home,
    AWS_CONFIG_FILE: path.join(home, "no-config"),
    AWS_SHARED_CREDENTIALS_FILE: path.join(home, "no-credentials"),
    AWS_EC2_METADATA_V1_DISABLED: "true",
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
}

function loadedOf(text: string): Loaded {
  const parsed = parseConfig(text, "config.yaml");
  return parsed.ok ? { ...parsed, text } : parsed;
}

/** With alarms that go to the topic, whatever else a file may say of them. */
export function withTopic(): Loaded {
  const loaded = loadedOf(config);
  if (loaded.ok !== true) throw new Error("the configuration of the tests is faulty");
  return {
    ...loaded,
    file: { ...loaded.file, config: { ...loaded.file.config, alarms: { topic } } as never },
  };
}

function optionsOf({ root, proc, state }: Patient, home: string, loaded: Loaded): DoctorOptions {
  const self = {
    platform: process.platform,
    pid: process.pid,
    uid: process.getuid?.(),
    env: process.env,
    home,
    kill: (pid: number, name: NodeJS.Signals | 0) => void process.kill(pid, name),
    files: [],
    runtimeDirectory: path.join(home, "run"),
  };
  return {
    version: "0.0.0",
    loaded,
    stateDirectory: state,
    self,
    owner: "a test",
    log: () => undefined,
    progress: () => undefined,
    flags: {},
    places: { root, proc },
    deadline: 20_000,
    metric: true,
  };
}
