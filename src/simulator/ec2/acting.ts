/** What policies can be about. */
export type Kind =
  | "volume"
  | "snapshot"
  | "instance"
  | "image"
  | "replace-root-volume-task"
  | "security-group"
  | "key-pair"
  | "vpc";

/** What each action acts on beside what it makes (Service Authorization Reference, EC2, September 2026). */
export const acting: Readonly<Record<string, readonly Kind[]>> = {
  AttachVolume: ["volume", "instance"],
  AuthorizeSecurityGroupIngress: ["security-group"],
  CopySnapshot: ["snapshot"],
  CreateImage: ["instance"],
  CreateReplaceRootVolumeTask: ["instance", "snapshot", "image", "volume"],
  CreateSecurityGroup: ["vpc"],
  CreateSnapshot: ["volume"],
  CreateSnapshots: ["instance", "volume"],
  CreateVolume: ["snapshot"],
  DeleteKeyPair: ["key-pair"],
  DeleteSecurityGroup: ["security-group"],
  DeleteSnapshot: ["snapshot"],
  DeleteVolume: ["volume"],
  DeregisterImage: ["image"],
  DescribeImageAttribute: ["image"],
  DescribeInstanceAttribute: ["instance"],
  DetachVolume: ["volume", "instance"],
  GetConsoleOutput: ["instance"],
  LockSnapshot: ["snapshot"],
  ModifyInstanceAttribute: ["instance", "volume"],
  ModifySnapshotAttribute: ["snapshot"],
  RebootInstances: ["instance"],
  RegisterImage: ["snapshot"],
  RestoreSnapshotFromRecycleBin: ["snapshot"],
  RestoreSnapshotTier: ["snapshot"],
  RunInstances: ["image", "snapshot"],
  StartInstances: ["instance"],
  StopInstances: ["instance"],
  TerminateInstances: ["instance"],
  UnlockSnapshot: ["snapshot"],
};

/** What each action makes; network interfaces carry no tags here. */
export const making: Readonly<Record<string, readonly string[]>> = {
  CopySnapshot: ["snapshot"],
  CreateImage: ["image", "snapshot"],
  CreateReplaceRootVolumeTask: ["replace-root-volume-task", "volume"],
  CreateSecurityGroup: ["security-group"],
  CreateSnapshot: ["snapshot"],
  CreateSnapshots: ["snapshot"],
  CreateVolume: ["volume"],
  ImportKeyPair: ["key-pair"],
  RegisterImage: ["image"],
  RunInstances: ["instance", "volume", "network-interface"],
};
