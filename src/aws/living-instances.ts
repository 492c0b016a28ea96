import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import type { LivingInstances } from "../core/alarm-ports.ts";
import { inGroups } from "../core/in-groups.ts";
import { askAws } from "./ask.ts";
import type { Connection } from "./connection.ts";
import { maxFilterValues } from "./filter-values.ts";
import { pages, unreadable } from "./pages.ts";

/** A filter, since a request by id fails as a whole for one instance that is gone. */
export function livingInstances({ ec2, requestTimeout }: Connection, signal: AbortSignal): LivingInstances {
  const doing = "see which instances exist";
  return async (ids) => {
    const living = new Set<string>();
    for (const Values of inGroups(ids, maxFilterValues)) {
      const Filters = [
        { Name: "instance-id", Values },
        {
          Name: "instance-state-name",
          Values: ["pending", "running", "shutting-down", "stopping", "stopped"],
        },
      ];
      for await (const page of pages(doing, (next) =>
        askAws(requestTimeout, signal, doing, (abortSignal) =>
          ec2.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, ...next }), { abortSignal }),
        ),
      )) {
        // What is not among the living is forgotten: half an answer is none.
        if (page.Reservations === undefined)
          throw unreadable(doing, "the answer has no list of reservations");
        for (const { Instances = [] } of page.Reservations) {
          for (const { InstanceId = "" } of Instances) living.add(InstanceId);
        }
      }
    }
    return living;
  };
}
