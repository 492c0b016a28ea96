import {
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
} from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { PlaceFinder, Subnet } from "../core/machine-ports.ts";
import type { MachineRecipe } from "../core/machine-recipe.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { machineOf } from "./machine-of.ts";
import { pages } from "./pages.ts";

/** Asked with filters, since a request that names an id which is gone fails as a whole. */
export function ec2Places(connection: Connection): PlaceFinder {
  const { ec2 } = connection;
  return {
    subnets: (signal) =>
      unlessForbidden(async () => {
        const doing = "list the subnets";
        const subnets: Subnet[] = [];
        const ask = (next: { NextToken?: string }) =>
          call(connection, doing, signal, (abortSignal) =>
            ec2.send(new DescribeSubnetsCommand({ MaxResults: 1000, ...next }), { abortSignal }),
          );
        for await (const page of pages(doing, ask))
          for (const one of page.Subnets ?? [])
            subnets.push({
              id: one.SubnetId ?? "",
              vpc: one.VpcId ?? "",
              zone: one.AvailabilityZone ?? "",
            });
        return subnets;
      }),
    groups: (ids, signal) =>
      unlessForbidden(async () => {
        if (ids.length === 0) return new Map();
        const Filters = [{ Name: "group-id", Values: [...ids] }];
        const answer = await call(connection, "look for the security groups", signal, (abortSignal) =>
          ec2.send(new DescribeSecurityGroupsCommand({ Filters }), { abortSignal }),
        );
        const found = answer.SecurityGroups ?? [];
        return new Map(found.map((one) => [one.GroupId ?? "", one.VpcId ?? ""]));
      }),
    offered: (type, zone, signal) =>
      unlessForbidden(async () => {
        const Filters = [
          { Name: "instance-type", Values: [type] },
          { Name: "location", Values: [zone] },
        ];
        const answer = await call(connection, `ask whether ${zone} offers ${type}`, signal, (abortSignal) =>
          ec2.send(new DescribeInstanceTypeOfferingsCommand({ LocationType: "availability-zone", Filters }), {
            abortSignal,
          }),
        );
        return (answer.InstanceTypeOfferings ?? []).length > 0;
      }),
  };
}

/** How an instance is now; absent where EC2 shows it no more. A terminated one is shown for about an hour. */
export async function machineNow(
  connection: Connection,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly state: string; readonly machine: MachineRecipe } | undefined> {
  const Filters = [{ Name: "instance-id", Values: [id] }];
  const answer = await call(connection, `look at ${id}`, signal, (abortSignal) =>
    connection.ec2.send(new DescribeInstancesCommand({ Filters }), { abortSignal }),
  );
  const found = answer.Reservations?.flatMap((one) => one.Instances ?? [])[0];
  const state = found?.State?.Name;
  return found === undefined || state === undefined ? undefined : { id, state, machine: machineOf(found) };
}

/** Nobody but EC2 itself need know: who may not ask is told so, and the request that makes the machine decides. */
async function unlessForbidden<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied") return undefined;
    throw error;
  }
}
