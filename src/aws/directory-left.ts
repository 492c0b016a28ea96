import {
  DeleteKeyPairCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
  GetConsoleOutputCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { directoryWorkTags } from "../core/directory.ts";
import type { DirectoryPlaces, LeftOver } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import type { Send } from "./directory-send.ts";
import { call, tagsOf } from "./discover.ts";
import { pages } from "./pages.ts";
import { tagResources } from "./tag-resources.ts";
import { unlessDone } from "./unless-done.ts";
/** What looks at them. */
export function looks(
  connection: Connection,
  send: Send,
): Pick<DirectoryPlaces, "console" | "addressOf" | "leftOvers" | "renew"> {
  return {
    async console(instance, signal) {
      const ask = (Latest: boolean) =>
        send(`read the console of ${instance}`, signal, (ec2, abortSignal) =>
          ec2.send(new GetConsoleOutputCommand({ InstanceId: instance, ...(Latest && { Latest }) }), {
            abortSignal,
          }),
        );
      // Instances of before the Nitro System have only what was posted after the boot.
      const answer = await ask(true).catch((error: unknown) => {
        if (error instanceof BackupError && error.code === "UnsupportedOperation") return ask(false);
        throw error;
      });
      return atob((answer.Output ?? "").replace(/\s/g, ""));
    },
    async addressOf(instance, signal) {
      const Filters = [{ Name: "instance-id", Values: [instance] }];
      const answer = await send(`look at ${instance}`, signal, (ec2, abortSignal) =>
        ec2.send(new DescribeInstancesCommand({ Filters }), { abortSignal }),
      );
      const found = answer.Reservations?.flatMap((one) => one.Instances ?? [])[0];
      if (found === undefined) return undefined;
      const address = found.PublicIpAddress ?? found.PrivateIpAddress;
      const reason = found.StateReason?.Message;
      return {
        state: found.State?.Name ?? "",
        ...(reason === undefined ? {} : { reason }),
        ...(address === undefined ? {} : { address }),
        devices: (found.BlockDeviceMappings ?? []).map((one) => one.DeviceName ?? ""),
      };
    },
    leftOvers: (signal) => leftOvers(connection, send, signal),
    async renew(things, lease, signal) {
      const ids = things.map(({ id }) => id);
      if (ids.length > 0) await tagResources(connection, ids, { [directoryWorkTags.lease]: lease }, signal);
    },
  };
}

async function leftOvers(
  connection: Connection,
  send: Send,
  signal: AbortSignal,
): Promise<readonly LeftOver[]> {
  const doing = "look for what earlier copies have left";
  const Filters = [{ Name: "tag-key", Values: [directoryWorkTags.work] }];
  const found: LeftOver[] = [];
  const add = (
    kind: LeftOver["kind"],
    id: string | undefined,
    tags: Parameters<typeof tagsOf>[0],
    state?: string,
  ) => {
    const all = tagsOf(tags);
    const [work, lease] = [all[directoryWorkTags.work], all[directoryWorkTags.lease]];
    if (id === undefined || work === undefined || state === "terminated") return;
    found.push({
      kind,
      id,
      work,
      ...(lease === undefined ? {} : { lease }),
      ...(state === undefined ? {} : { state }),
    });
  };
  const instances = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, instances))
    for (const one of page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [])
      add("instance", one.InstanceId, one.Tags, one.State?.Name ?? "");
  const keys = await send(doing, signal, (ec2, abortSignal) =>
    ec2.send(new DescribeKeyPairsCommand({ Filters }), { abortSignal }),
  );
  for (const one of keys.KeyPairs ?? []) add("key-pair", one.KeyPairId, one.Tags);
  const groups = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeSecurityGroupsCommand({ Filters, MaxResults: 1000, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, groups))
    for (const one of page.SecurityGroups ?? []) add("security-group", one.GroupId, one.Tags);
  return found;
}

/** What removes them. */
export function removals(send: Send): Pick<DirectoryPlaces, "terminate" | "removeKey" | "removeGroup"> {
  return {
    async terminate(instance, signal) {
      const command = new TerminateInstancesCommand({ InstanceIds: [instance] });
      await unlessDone(["InvalidInstanceID.NotFound"], () =>
        send(`terminate ${instance}`, signal, (ec2, abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    async removeKey(id, signal) {
      const command = new DeleteKeyPairCommand({ KeyPairId: id });
      await unlessDone(["InvalidKeyPair.NotFound"], () =>
        send(`delete the key pair ${id}`, signal, (ec2, abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    async removeGroup(id, signal) {
      const command = new DeleteSecurityGroupCommand({ GroupId: id });
      await unlessDone(["InvalidGroup.NotFound"], () =>
        send(`delete the security group ${id}`, signal, (ec2, abortSignal) =>
          ec2.send(command, { abortSignal }),
        ),
      );
    },
  };
}
