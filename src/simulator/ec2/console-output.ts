import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance } from "./reach.ts";

/** Bytes that are kept ("at least the most recent 64 KB"). */
const kept = 65_536;

/** What the console of an instance has shown; nothing until a while after it has come up. */
export const getConsoleOutput = operation({
  name: "GetConsoleOutput",
  changes: false,
  parameters: { InstanceId: "string", Latest: "boolean", DryRun: "boolean" },
  rate: () => ({ bucket: "GetConsoleOutput", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, now } = context;
    const instance = reachInstance(context, input.InstanceId);
    // "The latest console output is only supported for instances built on the Nitro System"; these are the others.
    if (input.Latest === true && /^[tm][12]\.|^[cm]3\./.test(instance.instanceType)) {
      const message = "This instance type does not support retrieving the latest console logs.";
      throw new ApiError("UnsupportedOperation", message);
    }
    const { start } = world.settings.times;
    const shownFrom = instance.launchTime + start + world.settings.launches.consoleAfter * 1_000;
    const isUp = instance.state !== "pending" && now >= shownFrom;
    const output = Buffer.from(isUp ? instance.console : "").subarray(-kept);
    return {
      resource: arnOf(context, `instance/${instance.id}`),
      commit: () => ({
        instanceId: instance.id,
        timestamp: new Date(now),
        ...(output.length === 0 ? {} : { output: output.toString("base64") }),
      }),
    };
  },
});
