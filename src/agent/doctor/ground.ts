import { resolve } from "../../config/resolve.ts";
import { NotTestable } from "../../core/finding.ts";
import type { Job } from "../../core/job.ts";
import { StateDirectory } from "../../host/state.ts";
import { systemPath } from "../../host/system-path.ts";
import { type CheckedHooks, checkHooks } from "../check-hooks.ts";
import { type InForce, inForce } from "../in-force.ts";
import { requestTimeout } from "../open.ts";
import { routeOf } from "../route.ts";
import type { HostProcess } from "../this-host.ts";
import type { AgentOptions } from "../wish.ts";
import { type Aws, awsOf } from "./reach.ts";
import { once } from "./sharing.ts";

/** Where doctor looks on this host. */
interface Places {
  /** Below which the files of cron lie. */
  readonly root: string;
  readonly proc: string;
}

/** What doctor is asked for. */
export interface DoctorOptions extends AgentOptions {
  readonly places: Places;
  /** Milliseconds after which a check is not waited for any longer. */
  readonly deadline: number;
  /** Whether a real point of the metric `Doctor` may be sent. */
  readonly metric: boolean;
  /** The name of a host outside EC2, of which AWS knows nothing. */
  readonly outside?: string;
  /** Whether dry runs are made of what the role must not be able to do. */
  readonly proveBinding?: boolean;
}

/** What checks share; everything is found out once, when it is first asked for. */
export interface Ground extends Aws {
  readonly given: DoctorOptions;
  /** Milliseconds for one request. */
  readonly timeout: number;
  /** The process as a service would be: with nothing of this shell's environment. */
  readonly service: HostProcess;
  /** What is written; also where tags cannot be read, without them. */
  force(): Promise<InForce>;
  /** The jobs in force; where there are none, `default` over all volumes stands in for them. */
  jobs(): Promise<readonly Job[]>;
  hooks(): Promise<CheckedHooks>;
}

export function groundOf(given: DoctorOptions, signal: AbortSignal): Ground {
  // A request is tried for four times as long: what AWS or the network says comes before our own deadline.
  const timeout = Math.min(requestTimeout(given.loaded), Math.max(500, given.deadline / 5));
  const service = asService(given.self);
  const { version, deadline } = given;
  const aws =
    given.outside === undefined
      ? awsOf({ version, timeout, deadline, route: routeOf(given.self.env) }, signal)
      : unknownToAws(given.outside);
  const force = once(async () => {
    const tags = await aws.discovery().then(
      ({ instance }) => instance.tags,
      () => ({}),
    );
    const written = { loaded: given.loaded, tags, flags: given.flags };
    const now = inForce(written);
    return now.faulty ? inForce({ ...written, lastGood: await lastGoodOf(given, aws) }) : now;
  });
  const jobs = once(async () => {
    const { jobs: own } = await force();
    return own.length > 0 ? own : resolve({ tags: {}, flags: { all: true } }).jobs;
  });
  const hooks = once(async () => {
    const written = (await force()).resolution?.jobs ?? [];
    const volumes = await aws.discovery().then(
      (one) => ({ volumes: one.volumes }),
      () => ({}),
    );
    const ask = {
      jobs: written.filter(({ hooks: of }) => of.length > 0),
      self: service,
      stateDirectory: given.stateDirectory,
    };
    return checkHooks({ ...ask, ...volumes }, signal, deadline * 0.8);
  });
  return { given, timeout, service, ...aws, force, jobs, hooks };
}

/** Nobody is asked: every question that goes by AWS is not testable there. */
function unknownToAws(host: string): Aws {
  const refuse = (what: string) => Promise.reject(new NotTestable(what, `${host} is no EC2 instance`));
  const unknown = () => refuse("what AWS knows of this host");
  return {
    identity: unknown,
    instanceId: () => undefined,
    credentials: unknown,
    unsigned: refuse,
    reach: refuse,
    discovery: unknown,
    found: refuse,
    points: refuse,
  };
}

/** A service runs in / and writes to the journal, whatever the shell is in whose place doctor looks. */
function asService(self: HostProcess): HostProcess {
  const ours = new Set(["the agent's working directory", "the agent's output", "the agent's log"]);
  return { ...self, env: { PATH: systemPath }, files: self.files.filter(({ what }) => !ours.has(what)) };
}

async function lastGoodOf({ stateDirectory, self }: DoctorOptions, { identity }: Aws) {
  try {
    const { fromLastGood } = await import("../../config/read-last-good.ts");
    const state = await StateDirectory.open(stateDirectory, (await identity()).instanceId);
    return fromLastGood((await state.lastGood(self.uid)).value);
  } catch {
    // Whose state it would be is unknown, or it cannot be read: another check tells why.
    return undefined;
  }
}
