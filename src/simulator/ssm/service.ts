import { authorize, authorizeByPolicies } from "../access.ts";
import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { beginSnapshots } from "../ec2/begin-snapshots.ts";
import { attachedVolumes } from "../ec2/describe-instances.ts";
import type { Instance } from "../ec2/machines.ts";
import { newId } from "../ids.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { type SsmCommand, vssTags } from "./command.ts";

/** The documents of AWS that are simulated. */
const documents = ["AWSEC2-VssInstallAndSnapshot", "AWSEC2-CreateVssSnapshot"];

/** Those that the documents share, each a list with one text. */
const parametersShape = {
  ExcludeBootVolume: ["string"],
  NoWriters: ["string"],
  CopyOnly: ["string"],
  description: ["string"],
  tags: ["string"],
  VssVersion: ["string"],
} as const;

type Parameters = Readonly<Record<keyof typeof parametersShape, string[]>>;

const noParameters: Parameters = {
  ExcludeBootVolume: [],
  NoWriters: [],
  CopyOnly: [],
  description: [],
  tags: [],
  VssVersion: [],
};

/** Systems Manager, as far as Run Command makes VSS snapshots of Windows instances and parameters name AMIs. */
export const ssm: ServiceTable = {
  service: "ssm",
  operations: {
    SendCommand: operation({
      shape: {
        DocumentName: "string",
        DocumentVersion: "string",
        InstanceIds: ["string"],
        Parameters: parametersShape,
        TimeoutSeconds: "integer",
        Comment: "string",
      },
      changes: true,
      resource: ({ DocumentName: name = "" }, { world: { settings } }) =>
        `arn:${settings.partition}:ssm:${settings.region}::document/${name}`,
      run: async (input, context) => {
        const name = input.DocumentName ?? "";
        const [id = ""] = input.InstanceIds;
        mayAddress(context, id);
        if (!documents.includes(name))
          throw new ApiError("InvalidDocument", `Document ${name} does not exist.`);
        if (input.TimeoutSeconds !== undefined && input.TimeoutSeconds < 30)
          throw new ApiError("ValidationException", "timeoutSeconds must be at least 30");
        const instance = context.world.instances[id];
        const reachable = instance?.state === "running" && context.world.settings.ssm.agent;
        if (instance === undefined || !reachable)
          throw new ApiError("InvalidInstanceId", `Instances [[${id}]] not in a valid state for account`);
        const parameters = { ...noParameters, ...input.Parameters };
        const command = await begin(context, instance, name, parameters);
        context.world.commands[command.id] = command;
        return { Command: { ...shown(command, context.now), CommandId: command.id } };
      },
    }),
    GetCommandInvocation: operation({
      shape: { CommandId: "string", InstanceId: "string", PluginName: "string" },
      changes: false,
      run({ CommandId: id = "", InstanceId: instance }, { world, now }) {
        const command = world.commands[id];
        if (command === undefined || command.instance !== instance)
          throw new ApiError("InvocationDoesNotExist", "");
        const ended = command.endsAt !== null && command.endsAt <= now;
        return {
          ...shown(command, now),
          CommandId: id,
          InstanceId: instance,
          ResponseCode: ended ? Number(command.ends === "Failed") : -1,
          StandardOutputContent: ended && command.ends === "Success" ? command.said : "",
          StandardErrorContent: ended && command.ends === "Failed" ? command.said : "",
        };
      },
    }),
    GetParameter: operation({
      shape: { Name: "string", WithDecryption: "boolean" },
      changes: false,
      resource: ({ Name: name = "" }, { world: { settings } }) => {
        // Those of AWS belong to no account.
        const account = name.startsWith("/aws/") ? "" : settings.account;
        return `arn:${settings.partition}:ssm:${settings.region}:${account}:parameter/${name.replace(/^\//, "")}`;
      },
      run({ Name: name = "" }, { world: { settings }, now }) {
        const value = settings.ssm.parameters[name];
        if (value === undefined) throw new ApiError("ParameterNotFound", "");
        const facts = { Type: "String", Version: 1, DataType: "text", LastModifiedDate: now / 1_000 };
        return { Parameter: { Name: name, Value: value, ...facts } };
      },
    }),
  },
  rates: { GetParameter: { capacity: 40, perSecond: 40 } },
  unknownAction: (action) => new ApiError("UnknownOperationException", `Unknown operation ${action}`),
};

/** SendCommand needs the right to the document and to each instance. */
function mayAddress(context: Context, id: string): void {
  const { world, principal } = context;
  const { partition, region, account } = world.settings;
  const resource = `arn:${partition}:ec2:${region}:${account}:instance/${id}`;
  authorize(world, "ssm", principal, ["ssm:SendCommand"], resource);
  authorizeByPolicies(context, "ssm", [{ action: "ssm:SendCommand", resource, context: {} }]);
}

function shown({ document, endsAt, ends }: SsmCommand, now: number): Record<string, unknown> {
  const status = endsAt !== null && endsAt <= now ? ends : "InProgress";
  return { DocumentName: document, Status: status, StatusDetails: status };
}

async function begin(
  context: Context,
  instance: Instance,
  document: string,
  parameters: Parameters,
): Promise<SsmCommand> {
  const { world, now } = context;
  const { vss, seconds } = world.settings.ssm;
  const hex = newId("cmd", world.settings.seed, ++world.sequence).slice(4);
  const base = {
    id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4000-8000-${hex.padEnd(24, "0").slice(12, 24)}`,
    instance: instance.id,
    document,
    parameters,
    endsAt: vss === "hang" ? null : now + seconds * 1_000,
  };
  const tags = vssTags(parameters.tags[0] ?? "");
  if (tags === undefined) return { ...base, ends: "Failed", said: "Invalid tags parameter." };
  if (instance.platform !== "windows")
    return { ...base, ends: "Failed", said: "The document needs Windows." };
  if (vss === "failure") return { ...base, ends: "Failed", said: "VSS writer SqlServerWriter timed out." };
  if (vss !== "hang") await capture(context, instance, parameters, tags);
  if (vss.startsWith("failure-"))
    return { ...base, ends: "Failed", said: "The VSS freeze took longer than 10 seconds." };
  return { ...base, ends: "Success", said: "Snapshots were created." };
}

async function capture(
  context: Context,
  instance: Instance,
  parameters: Parameters,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  const { vss } = context.world.settings.ssm;
  const consistent = vss.startsWith("success");
  const withoutRoot = parameters.ExcludeBootVolume[0] === "True";
  const attached = attachedVolumes(context.world, instance.id).filter(
    ({ attachment }) => !(withoutRoot && attachment.device === instance.rootDeviceName),
  );
  const members = attached.map(({ volume, attachment }) => ({
    volume,
    tags: {
      Name: "",
      ...given,
      Device: attachment.device,
      AwsVssConfig: "AwsVssComponents 2.5",
      ...(consistent ? { AppConsistent: "True" } : {}),
    },
  }));
  const made = vss.endsWith("-in-part") ? members.slice(0, -1) : members;
  await beginSnapshots(context, made, parameters.description[0] ?? "");
}
