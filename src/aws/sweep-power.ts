import {
  DeleteTagsCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  type Instance as Ec2Instance,
  type _InstanceType as InstanceType,
  StartInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { groupKey } from "../core/point-tags.ts";
import type { SeenInstance, StopService } from "../core/sweep-stop.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";
import { unreadable } from "./pages.ts";
import { rehearsed } from "./rehearsed.ts";
import { instancePower } from "./restore-power.ts";
import { serviceClock } from "./service-clock.ts";
import { stateOf } from "./sweep-listing.ts";
import { tagResources } from "./tag-resources.ts";

/** Instances that are stopped for a backup and started again. */
export function sweepPower(connection: Connection): StopService {
  const { ec2 } = connection;
  const ask = <T>(doing: string, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>) =>
    call(connection, doing, signal, send);
  return {
    look: (id, signal) => look(connection, id, signal),
    async rehearse(id, signal) {
      const request = { InstanceIds: [id], DryRun: true };
      const stop = `rehearse stopping ${id}`;
      await rehearsed(stop, () =>
        ask(stop, signal, (abortSignal) => ec2.send(new StopInstancesCommand(request), { abortSignal })),
      );
      const start = `rehearse starting ${id}`;
      await rehearsed(start, () =>
        ask(start, signal, (abortSignal) => ec2.send(new StartInstancesCommand(request), { abortSignal })),
      );
    },
    async hasStores(type, signal) {
      const command = new DescribeInstanceTypesCommand({
        InstanceTypes: [type as InstanceType],
        Filters: [{ Name: "instance-storage-supported", Values: ["true"] }],
      });
      const answer = await ask(`see whether ${type} has instance stores`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
      return (answer.InstanceTypes ?? []).length > 0;
    },
    mark: (id, { key, value }, signal) => tagResources(connection, [id], { [key]: value }, signal),
    async unmark(id, intents, signal) {
      // With its value, a tag goes only if it says that.
      const Tags = intents.map(({ key: Key, value: Value }) => ({ Key, Value }));
      const command = new DeleteTagsCommand({ Resources: [id], Tags });
      await ask(`take the mark of a stop off ${id}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
    async stop(id, signal) {
      const command = new StopInstancesCommand({ InstanceIds: [id] });
      const answer = await ask(`stop ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal }));
      const before = answer.StoppingInstances?.[0]?.PreviousState?.Name;
      // Of several attempts an earlier one may have stopped it.
      const once = answer.$metadata.attempts === 1;
      return once && (before === "stopping" || before === "stopped") ? "others" : "asked";
    },
    start: instancePower(connection).start,
  };
}

async function look(connection: Connection, id: string, signal: AbortSignal): Promise<SeenInstance> {
  const doing = `look at ${id}`;
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }), { abortSignal }),
  );
  const found = answer.Reservations?.flatMap((one) => one.Instances ?? []).find(
    (one) => one.InstanceId === id,
  );
  const asOf = serviceClock(answer.$metadata);
  if (found === undefined) throw unreadable(doing, "the instance is not in the answer");
  if (asOf === undefined) throw unreadable(doing, "the answer has no Date header, so ages cannot be told");
  return seenOf(id, found, asOf);
}

function seenOf(id: string, found: Ec2Instance, asOf: Date): SeenInstance {
  const tags = tagsOf(found.Tags);
  const group = tags[groupKey];
  const address = borrowedAddress(found);
  const stoppedAt = instantIn(found.StateTransitionReason);
  const reason = found.StateReason?.Message;
  const operator =
    found.Operator?.Managed === true ? (found.Operator.Principal ?? "an AWS service") : undefined;
  return {
    id,
    state: stateOf(found),
    tags,
    type: found.InstanceType ?? "",
    rootStore: found.RootDeviceType !== "ebs",
    hibernates: found.HibernationOptions?.Configured === true,
    asOf,
    ...(group === undefined ? {} : { group }),
    ...(found.InstanceLifecycle === undefined ? {} : { lifecycle: found.InstanceLifecycle }),
    ...(operator === undefined ? {} : { operator }),
    ...(address === undefined ? {} : { borrowedAddress: address }),
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(reason === undefined || reason === "" ? {} : { reason }),
  };
}

/** An Elastic IP address is an account's; the others are Amazon's, and go back to it with each stop. */
function borrowedAddress(found: Ec2Instance): string | undefined {
  const all = (found.NetworkInterfaces ?? []).flatMap((one) => one.Association ?? []);
  const borrowed = all.find((one) => !/^\d{12}$/.test(one.IpOwnerId ?? ""));
  if (borrowed !== undefined) return borrowed.PublicIp ?? "(unnamed)";
  const address = found.PublicIpAddress;
  return all.some((one) => one.PublicIp === address) ? undefined : address;
}

/** `User initiated (2026-11-22 10:53:40 GMT)` */
function instantIn(reason = ""): Date | undefined {
  const [, day, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(reason) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${time}Z`);
}
