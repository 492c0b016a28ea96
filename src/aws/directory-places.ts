import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeSubnetsCommand,
  type Filter,
  type _InstanceType as InstanceType,
} from "@aws-sdk/client-ec2";
import type { DirectoryPlaces } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import { newestImage } from "./directory-image.ts";
import { looks, removals } from "./directory-left.ts";
import { makers } from "./directory-make.ts";
import type { Send } from "./directory-send.ts";
import { call } from "./discover.ts";

/** EC2, as far as throw-away instances go. */
export function directoryPlaces(connection: Connection): DirectoryPlaces {
  const send: Send = (doing, signal, ask) =>
    call(connection, doing, signal, (abortSignal) => ask(connection.ec2, abortSignal));
  return {
    ...grounds(send),
    newestImage: (architecture, signal) => newestImage(connection, architecture, signal),
    ...makers(send),
    ...looks(connection, send),
    ...removals(send),
  };
}

function grounds(
  send: Send,
): Pick<DirectoryPlaces, "zones" | "subnets" | "subnet" | "offered" | "typeFacts"> {
  const subnets = async (Filters: Filter[], signal: AbortSignal) => {
    const answer = await send("list the subnets", signal, (ec2, abortSignal) =>
      ec2.send(new DescribeSubnetsCommand({ Filters, MaxResults: 1000 }), { abortSignal }),
    );
    return (answer.Subnets ?? []).map((one) => ({
      id: one.SubnetId ?? "",
      zone: one.AvailabilityZone ?? "",
      vpc: one.VpcId ?? "",
      isDefault: one.DefaultForAz === true,
    }));
  };
  return {
    async zones(signal) {
      const answer = await send("list the zones of the region", signal, (ec2, abortSignal) =>
        ec2.send(new DescribeAvailabilityZonesCommand({}), { abortSignal }),
      );
      const usable = (answer.AvailabilityZones ?? []).filter(
        (zone) => zone.State === "available" && zone.ZoneType === "availability-zone",
      );
      return usable.map((zone) => zone.ZoneName ?? "").sort();
    },
    async subnets(zone, signal) {
      const here = zone === undefined ? [] : [{ Name: "availability-zone", Values: [zone] }];
      const all = await subnets([{ Name: "map-public-ip-on-launch", Values: ["true"] }, ...here], signal);
      const order = (one: { readonly isDefault: boolean; readonly id: string }) =>
        `${one.isDefault ? 0 : 1}${one.id}`;
      return all.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    },
    subnet: async (id, signal) => (await subnets([{ Name: "subnet-id", Values: [id] }], signal))[0],
    async offered(types, zone, signal) {
      const Filters = [
        { Name: "instance-type", Values: [...types] },
        { Name: "location", Values: [zone] },
      ];
      const answer = await send(`ask which types ${zone} offers`, signal, (ec2, abortSignal) =>
        ec2.send(new DescribeInstanceTypeOfferingsCommand({ LocationType: "availability-zone", Filters }), {
          abortSignal,
        }),
      );
      const there = (answer.InstanceTypeOfferings ?? []).map((one) => String(one.InstanceType));
      return types.filter((type) => there.includes(type));
    },
    async typeFacts(type, signal) {
      const doing = `look up the instance type ${type}`;
      const command = new DescribeInstanceTypesCommand({ InstanceTypes: [type as InstanceType] });
      const answer = await send(doing, signal, (ec2, abortSignal) =>
        ec2.send(command, { abortSignal }),
      ).catch((error: unknown) => {
        if (!(error instanceof BackupError) || error.code !== "InvalidInstanceType") throw error;
        throw new BackupError({
          kind: "usage",
          doing,
          found: "there is no such instance type in this region",
          remedy: "take another type, such as t3.small",
        });
      });
      const [found] = answer.InstanceTypes ?? [];
      return {
        architectures: (found?.ProcessorInfo?.SupportedArchitectures ?? []).map(String),
        virtualizations: (found?.SupportedVirtualizationTypes ?? []).map(String),
      };
    },
  };
}
