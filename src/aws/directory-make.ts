import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateVolumeCommand,
  DescribeSecurityGroupsCommand,
  ImportKeyPairCommand,
  type _InstanceType as InstanceType,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import type { DirectoryPlaces, EmptyVolume, VolumeMaker } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { listed } from "./listed-tags.ts";
import { unreadable } from "./pages.ts";
import { stateOf } from "./restore-volumes.ts";
import { unlessDone } from "./unless-done.ts";

/** Makes empty gp3 volumes, which EC2 encrypts where the account says so. */
export function emptyVolumes(connection: Connection): VolumeMaker {
  return {
    async make({ zone, sizeGiB, tags, clientToken }: EmptyVolume, signal) {
      const doing = `make a volume of ${sizeGiB} GiB in ${zone}`;
      const command = new CreateVolumeCommand({
        AvailabilityZone: zone,
        Size: sizeGiB,
        VolumeType: "gp3",
        ClientToken: clientToken,
        TagSpecifications: [{ ResourceType: "volume", Tags: listed(tags) }],
      });
      const made = await call(connection, doing, signal, (abortSignal) =>
        connection.ec2.send(command, { abortSignal }),
      );
      return stateOf(made, doing);
    },
  };
}

import type { Send } from "./directory-send.ts";
/** What makes the things of a throw-away instance. */
export function makers(send: Send): Pick<DirectoryPlaces, "importKey" | "makeGroup" | "open" | "launch"> {
  return {
    async importKey(name, publicKey, tags, signal) {
      const command = new ImportKeyPairCommand({
        KeyName: name,
        PublicKeyMaterial: new TextEncoder().encode(publicKey),
        TagSpecifications: [{ ResourceType: "key-pair", Tags: listed(tags) }],
      });
      // The name is of this invocation alone: what is there already is ours.
      await unlessDone(["InvalidKeyPair.Duplicate"], () =>
        send("import the key pair", signal, (ec2, abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    async makeGroup({ name, vpc, description, tags }, signal) {
      const doing = "make the security group";
      const command = new CreateSecurityGroupCommand({
        GroupName: name,
        Description: description,
        VpcId: vpc,
        TagSpecifications: [{ ResourceType: "security-group", Tags: listed(tags) }],
      });
      try {
        const made = await send(doing, signal, (ec2, abortSignal) => ec2.send(command, { abortSignal }));
        if (made.GroupId !== undefined) return made.GroupId;
      } catch (error) {
        if (!(error instanceof BackupError) || error.code !== "InvalidGroup.Duplicate") throw error;
        // An earlier request of ours was heard though nobody answered.
        const Filters = [
          { Name: "group-name", Values: [name] },
          { Name: "vpc-id", Values: [vpc] },
        ];
        const found = await send(doing, signal, (ec2, abortSignal) =>
          ec2.send(new DescribeSecurityGroupsCommand({ Filters }), { abortSignal }),
        );
        const id = found.SecurityGroups?.[0]?.GroupId;
        if (id !== undefined) return id;
      }
      throw unreadable(doing, "the answer names no group");
    },
    async open(group, port, cidr, signal) {
      const range = cidr.includes(":")
        ? { Ipv6Ranges: [{ CidrIpv6: cidr }] }
        : { IpRanges: [{ CidrIp: cidr }] };
      const command = new AuthorizeSecurityGroupIngressCommand({
        GroupId: group,
        IpPermissions: [{ IpProtocol: "tcp", FromPort: port, ToPort: port, ...range }],
      });
      await unlessDone(["InvalidPermission.Duplicate"], () =>
        send(`open the security group to ${cidr}`, signal, (ec2, abortSignal) =>
          ec2.send(command, { abortSignal }),
        ),
      );
    },
    async launch({ image, type, subnet, group, key, userData, tags, clientToken }, signal) {
      const doing = "launch the throw-away instance";
      const command = new RunInstancesCommand({
        ImageId: image,
        InstanceType: type as InstanceType,
        MinCount: 1,
        MaxCount: 1,
        SubnetId: subnet,
        SecurityGroupIds: [group],
        KeyName: key,
        UserData: btoa(userData),
        InstanceInitiatedShutdownBehavior: "terminate",
        MetadataOptions: { HttpTokens: "required", HttpEndpoint: "enabled" },
        TagSpecifications: (["instance", "volume"] as const).map((ResourceType) => ({
          ResourceType,
          Tags: listed(tags),
        })),
        ClientToken: clientToken,
      });
      const made = await send(doing, signal, (ec2, abortSignal) => ec2.send(command, { abortSignal }));
      const id = made.Instances?.[0]?.InstanceId;
      if (id === undefined) throw unreadable(doing, "the answer names no instance");
      return id;
    },
  };
}
