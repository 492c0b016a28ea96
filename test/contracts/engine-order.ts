import { connect } from "../../src/aws/connection.ts";
import type { Instance, Volume } from "../../src/core/instance.ts";
import { scopeOf } from "../../src/core/selection.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { job as jobLike } from "../core/points.ts";
import {
  volumes as drives,
  instance as instanceId,
  keys,
  type Simulation,
  simulate,
} from "../simulator/simulate.ts";

export const never = new AbortController().signal;

export const instance: Instance = {
  id: instanceId,
  arn: `arn:aws:ec2:eu-central-1:111122223333:instance/${instanceId}`,
  region: "eu-central-1",
  name: "demo",
  tags: {},
} as unknown as Instance;

const two = drives(2);

/** The volumes of the instance, the root volume first. */
export const volumes: readonly Volume[] = two.map(
  ({ id, size, attachments }, index) =>
    ({
      id,
      device: attachments[0]?.device ?? "",
      root: index === 0,
      sizeGiB: size,
      type: "gp3",
      encrypted: false,
      tags: {},
      attachment: "attached",
    }) as unknown as Volume,
);

/** All volumes of the instance. */
export const scope = () => {
  const found = scopeOf({ chosen: volumes.map((volume) => ({ volume, because: "attached" })), left: [] });
  if (!("expected" in found)) throw new Error("the volumes cannot be captured at once");
  return found;
};

export const job = () => jobLike();

/** A service with one Windows instance of two volumes. */
export async function windowsWorld(scenario: Scenario = {}): Promise<Simulation> {
  return simulate({
    instances: [{ id: instanceId, platform: "windows", rootDeviceName: "/dev/xvda" }],
    volumes: two,
    ...scenario,
  });
}

/** A connection of the agent to it. */
export function connectionTo({ simulator }: Simulation) {
  process.env["AWS_ENDPOINT_URL"] = simulator.url;
  process.env["AWS_ACCESS_KEY_ID"] = keys.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = keys.secretAccessKey;
  return connect({
    region: "eu-central-1",
    userAgent: [["test", "1"]],
    requestTimeout: 5_000,
    route: undefined,
  });
}

/** A simulated service as the contract reaches it, with what EBS captures. */
export function serviceOf(simulation: Simulation) {
  const made = () =>
    Promise.resolve(simulation.control.calls().filter(({ action }) => /^Create|^Send/.test(action)));
  const deny = [{ action: "ec2:CreateSnapshots" }, { action: "ssm:SendCommand" }];
  return {
    service: {
      made,
      later: async () => void (await simulation.control.clock({ advance: "1h" })),
      refuse: async () => void (await simulation.control.settings({ deny })),
    },
    job: job(),
    series: `${instance.arn}/default`,
    members: volumes.map(({ id }) => id),
    marks: true,
  };
}
