import {
  DeregisterImageCommand,
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  DescribeInstanceAttributeCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  type Filter,
  ModifyInstanceAttributeCommand,
  RegisterImageCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { ImageState, MachineHealth, MachineService, MachineState } from "../core/machine-ports.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { pages, unreadable } from "./pages.ts";
import { imageStateOf, launchInput, machineStateOf, registerInput } from "./restore-machine-words.ts";
import { instancePower } from "./restore-power.ts";
import { literal } from "./snapshots.ts";
import { hasTag, tagFilter } from "./tag-filter.ts";
import { tagResources } from "./tag-resources.ts";
import { unlessDone } from "./unless-done.ts";

/** EC2's instances and images. Each request has the deadline of the connection over all its attempts. */
export function ec2Machines(connection: Connection): MachineService {
  const { ec2 } = connection;
  const ask = <T>(doing: string, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>) =>
    call(connection, doing, signal, send);
  return {
    ...ec2Images(connection, ask),
    async launch(machine, signal) {
      const doing = "launch the instance";
      const command = new RunInstancesCommand(launchInput(machine));
      const found = await ask(doing, signal, (abortSignal) => ec2.send(command, { abortSignal }));
      const [instance] = found.Instances ?? [];
      if (instance === undefined) throw unreadable(doing, "the answer names no instance");
      return machineStateOf(instance, doing);
    },
    machines: (ids, signal) =>
      listMachines(connection, [{ Name: "instance-id", Values: [...ids] }], ids.length, signal),
    async tagged(key, value, signal) {
      const found = await listMachines(connection, [tagFilter(key, value)], 1, signal);
      return found.filter(({ tags }) => hasTag(tags, key, value));
    },
    ...instancePower(connection),
    async terminate(id, signal) {
      const command = new TerminateInstancesCommand({ InstanceIds: [id] });
      await unlessDone(["InvalidInstanceID.NotFound"], () =>
        ask(`terminate ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    async setDeletion(id, goes, signal) {
      const BlockDeviceMappings = [...goes].map(([DeviceName, DeleteOnTermination]) => ({
        DeviceName,
        Ebs: { DeleteOnTermination },
      }));
      const command = new ModifyInstanceAttributeCommand({ InstanceId: id, BlockDeviceMappings });
      await ask(`say which volumes go with ${id}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
    async setUserData(id, userData, signal) {
      const command = new ModifyInstanceAttributeCommand({ InstanceId: id, UserData: { Value: userData } });
      await ask(`set the user data of ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal }));
    },
    userDataOf: (id, signal) => userDataOf(connection, id, signal),
    health: (id, signal) => healthOf(connection, id, signal),
    tag: (ids, tags, signal) => tagResources(connection, ids, tags, signal),
  };
}

type Ask = <T>(
  doing: string,
  signal: AbortSignal,
  send: (abortSignal: AbortSignal) => Promise<T>,
) => Promise<T>;

function ec2Images(
  connection: Connection,
  ask: Ask,
): Pick<MachineService, "images" | "taggedImages" | "imagesNamed" | "register" | "deregister"> {
  const { ec2 } = connection;
  return {
    images: (ids, signal) =>
      listImages(connection, { Filters: [{ Name: "image-id", Values: [...ids] }] }, ids.length, signal),
    async taggedImages(key, value, signal) {
      const found = await listImages(
        connection,
        { Owners: ["self"], Filters: [tagFilter(key, value)] },
        1,
        signal,
      );
      return found.filter(({ tags }) => hasTag(tags, key, value));
    },
    imagesNamed: (name, signal) =>
      listImages(
        connection,
        { Owners: ["self"], Filters: [{ Name: "name", Values: [literal(name)] }] },
        1,
        signal,
      ),
    async register(image, signal) {
      const doing = `register the image ${image.name}`;
      const command = new RegisterImageCommand(registerInput(image));
      const answer = await ask(doing, signal, (abortSignal) => ec2.send(command, { abortSignal }));
      if (answer.ImageId === undefined) throw unreadable(doing, "the answer names no image");
      return answer.ImageId;
    },
    async deregister(id, signal) {
      const command = new DeregisterImageCommand({ ImageId: id });
      await unlessDone(["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"], () =>
        ask(`deregister ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
  };
}

async function listImages(
  connection: Connection,
  input: DescribeImagesCommandInput,
  wanted: number,
  signal: AbortSignal,
): Promise<readonly ImageState[]> {
  if (wanted === 0) return [];
  const doing = "look for images";
  const images: ImageState[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeImagesCommand({ ...input, IncludeDeprecated: true, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Images === undefined) throw unreadable(doing, "the answer has no list of images");
    images.push(...page.Images.map((image) => imageStateOf(image, doing)));
  }
  return images;
}

/** By filters and never by ids, of which one that is not there fails the whole request. */
async function listMachines(
  connection: Connection,
  Filters: Filter[],
  wanted: number,
  signal: AbortSignal,
): Promise<readonly MachineState[]> {
  if (wanted === 0) return [];
  const doing = "look for instances";
  const machines: MachineState[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Reservations === undefined) throw unreadable(doing, "the answer has no list of instances");
    for (const { Instances: instances } of page.Reservations)
      machines.push(...(instances ?? []).map((instance) => machineStateOf(instance, doing)));
  }
  return machines;
}

async function userDataOf(
  connection: Connection,
  id: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const command = new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" });
  try {
    const answer = await call(connection, `read the user data of ${id}`, signal, (abortSignal) =>
      connection.ec2.send(command, { abortSignal }),
    );
    const text = answer.UserData?.Value ?? "";
    return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  } catch (error) {
    const unanswered = ["denied", "not-found", "refused"];
    if (error instanceof BackupError && unanswered.includes(error.kind)) return undefined;
    throw error;
  }
}

async function healthOf(
  connection: Connection,
  id: string,
  signal: AbortSignal,
): Promise<MachineHealth | undefined> {
  const command = new DescribeInstanceStatusCommand({ InstanceIds: [id] });
  const answer = await call(connection, `look at the status checks of ${id}`, signal, (abortSignal) =>
    connection.ec2.send(command, { abortSignal }),
  );
  const [found] = answer.InstanceStatuses ?? [];
  const system = found?.SystemStatus?.Status;
  const instance = found?.InstanceStatus?.Status;
  return system === undefined || instance === undefined ? undefined : { system, instance };
}
