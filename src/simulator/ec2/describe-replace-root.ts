import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { byIds, describeRate, pageOf, pageSize } from "./describing.ts";
import type { RootTask } from "./machines.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";
import { describedTask } from "./replace-root.ts";

/** The replacements of root volumes. */
export const describeReplaceRootVolumeTasks = operation({
  name: "DescribeReplaceRootVolumeTasks",
  changes: false,
  parameters: {
    ReplaceRootVolumeTaskId: ["string"],
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeReplaceRootVolumeTasks"),
  prepare(input, context) {
    const ids = { name: "replaceRootVolumeTaskId", values: input.ReplaceRootVolumeTaskId };
    const maxResults = pageSize(input, ids, { minimum: 1, maximum: 50, clamps: false });
    const tasks = seen(context.world.rootTasks, context.elapsed);
    const named = byIds("replacevol", input.ReplaceRootVolumeTaskId, tasks, (task) => task.id);
    const found = applyFilters(named, input.Filter, fields);
    return {
      commit() {
        const keys = { keyOf: (each: RootTask) => each.id, age: (each: RootTask) => each.startTime };
        const page = pageOf("DescribeReplaceRootVolumeTasks", found, input, maxResults, context, keys);
        return { replaceRootVolumeTaskSet: page.things.map(describedTask), nextToken: page.nextToken };
      },
    };
  },
});

const fields: Fields<RootTask> = { "instance-id": (task) => [task.instance] };
