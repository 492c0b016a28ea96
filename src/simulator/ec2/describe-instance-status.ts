import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { stateOf } from "./describe-instances.ts";
import { byIds, describeRate, pageOf, pageSize } from "./describing.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";

/** Checks pass as soon as an instance has been running for a third of the time that its start takes. */
export const describeInstanceStatus = operation({
  name: "DescribeInstanceStatus",
  changes: false,
  parameters: {
    InstanceId: ["string"],
    IncludeAllInstances: "boolean",
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeInstanceStatus"),
  prepare(input, context) {
    const { world, now } = context;
    const ids = { name: "instancesSet", values: input.InstanceId };
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 1_000, clamps: false });
    const named = byIds("i", input.InstanceId, seen(world.instances, context.elapsed), ({ id }) => id);
    // "By default, only running instances are described"
    const shown = named.filter(({ state }) => input.IncludeAllInstances === true || state === "running");
    const found = applyFilters(shown, input.Filter, fields);
    const { start } = world.settings.times;
    const statusOf = ({ state, launchTime }: Instance) =>
      state !== "running" ? "not-applicable" : now < launchTime + start * (4 / 3) ? "initializing" : "ok";
    return {
      commit() {
        const keys = { keyOf: (each: Instance) => each.id, age: (each: Instance) => each.launchTime };
        const page = pageOf("DescribeInstanceStatus", found, input, maxResults, context, keys);
        return {
          instanceStatusSet: page.things.map((instance) => ({
            instanceId: instance.id,
            availabilityZone: instance.zone,
            instanceState: stateOf(instance),
            systemStatus: { status: statusOf(instance), details: [] },
            instanceStatus: { status: statusOf(instance), details: [] },
          })),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

const fields: Fields<Instance> = { "instance-state-name": ({ state }) => [state] };
