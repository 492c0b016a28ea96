import os from "node:os";
import path from "node:path";
import type { ClearDeps } from "../actions/clear-works.ts";
import type { DirectoryDeps } from "../actions/directory-deps.ts";
import type { RestoreWaits } from "../actions/restore-deps.ts";
import { type Connection, connect } from "../aws/connection.ts";
import { regionFor, unknownRegion } from "../aws/default-region.ts";
import { emptyVolumes } from "../aws/directory-make.ts";
import { directoryPlaces } from "../aws/directory-places.ts";
import { type Identity, readIdentity } from "../aws/metadata.ts";
import { ec2Volumes } from "../aws/restore-volumes.ts";
import { type InstanceFlags, instanceFlags, type SshFlags, sshFlags } from "../core/directory-flags.ts";
import type { DirectoryPlaces } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import { hostRoots } from "../host/block-devices.ts";
import { systemClock } from "../host/clock.ts";
import type { ShellGround } from "../host/directory-shell.ts";
import { beginWork, isHeld, type WorkDirectory } from "../host/directory-works.ts";
import { diskOfVolume } from "../host/disk-of-volume.ts";
import { requestTimeout } from "./open.ts";
import { routeOf } from "./route.ts";
import { newRunId } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

const second = 1_000;
const minute = 60 * second;

const waits: RestoreWaits = {
  poll: second / 10,
  retryFor: 2 * minute,
  visibleFor: 5 * minute,
  availableFor: 15 * minute,
  attachFor: 5 * minute,
  diskFor: 2 * minute,
  detachFor: 5 * minute,
  initializeFor: 0,
};

/** Milliseconds for the data to go its way. */
export const copyFor = 24 * 60 * minute;

/** Where a directory goes to or comes from, as far as somebody says so. */
export interface GroundWish {
  readonly region?: string;
  /** Of a new volume, where this is no instance. */
  readonly zone?: string;
  /** An instance is started though this is one. */
  readonly elsewhere: boolean;
  /** Addresses that may reach the instance that is started. */
  readonly from?: string;
}

export interface DirectoryOptions extends AgentOptions {
  /** Told of each step, in words. */
  readonly tell: (what: string) => void;
}

/** What both ways have in common: this instance, or none. */
export interface DirectoryGround {
  readonly region: string;
  /** Absent elsewhere. */
  readonly identity?: Identity;
  readonly connection: Connection;
  readonly places: DirectoryPlaces;
  readonly directory: WorkDirectory;
  /** Where the directories of all copies lie. */
  readonly all: string;
  readonly shell: ShellGround;
  readonly flags: { readonly aws: InstanceFlags; readonly ssh: SshFlags };
  readonly deps: DirectoryDeps;
  readonly clearing: ClearDeps;
}

/** Finds out where this is, and makes the private directory of the copy. */
export async function openGround(
  wish: GroundWish,
  options: DirectoryOptions,
  signal: AbortSignal,
): Promise<DirectoryGround> {
  const { self, tell, stateDirectory, version } = options;
  const { env, home, platform, pid, kill, uid } = self;
  if (platform !== "linux")
    throw new BackupError({
      kind: "configuration",
      doing: "copy a directory onto a volume",
      found: `GNU tar, dd and the disks of Linux are needed, and this is ${platform}`,
    });
  const flags = { aws: instanceFlags(env), ssh: sshFlags(env, home) };
  const identity = wish.elsewhere ? undefined : await whereWeAre(wish, options, signal);
  if (identity !== undefined && uid !== 0)
    throw new BackupError({
      kind: "denied",
      doing: "write to a disk of this instance",
      found: "only root may",
      remedy: "run this as root, or add --elsewhere, which starts an instance for it",
    });
  if (identity !== undefined) unusedHere(wish, identity, env, tell);
  const region = identity?.region ?? (await regionFor(wish.region));
  const work = newRunId();
  const timeout = requestTimeout(options.loaded);
  const connection = connect({
    region,
    requestTimeout: timeout,
    route: routeOf(env),
    userAgent: [
      ["ec2-backup-agent", version],
      ["directory", work],
    ],
  });
  const all = path.join(stateDirectory, "directory");
  const directory = await beginWork(all, { work, region }, pid);
  const volumes = ec2Volumes(connection);
  const places = directoryPlaces(connection);
  const deps: DirectoryDeps = {
    volumes,
    maker: emptyVolumes(connection),
    clock: systemClock,
    tell,
    waits,
    work,
    host: identity?.instanceId ?? os.hostname(),
    version,
    note: (facts) => directory.note(facts),
  };
  // An instance's role need not see key pairs and groups: there is none of ours but where one was started.
  const leftOvers = identity === undefined ? firstAsked(places.leftOvers, region) : () => Promise.resolve([]);
  const own = { ...places, leftOvers };
  return {
    region,
    ...(identity && { identity }),
    connection,
    places,
    directory,
    all,
    shell: { env, kill, phase: tell, deadline: copyFor },
    flags,
    deps,
    clearing: {
      ...deps,
      places: own,
      inUse: async (volume, instance) => instance === identity?.instanceId && inUse(volume, signal),
    },
  };
}

/** Nobody waits for a region whose name has no address; from the first answer on it is one, whatever names come to. */
function firstAsked(ask: DirectoryPlaces["leftOvers"], region: string): DirectoryPlaces["leftOvers"] {
  let isKnown = false;
  return async (signal) => {
    try {
      const found = await ask(signal);
      isKnown = true;
      return found;
    } catch (error) {
      const isNowhere = !isKnown && error instanceof BackupError && error.code === "ENOTFOUND";
      throw isNowhere ? unknownRegion(error, region) : error;
    }
  };
}

/** Says what is for the instance that is started elsewhere, and refuses what contradicts this one. */
function unusedHere(
  { zone, from }: GroundWish,
  identity: Identity,
  env: Readonly<Record<string, string | undefined>>,
  tell: (what: string) => void,
): void {
  if (zone !== undefined && zone !== identity.zone)
    throw new BackupError({
      kind: "usage",
      doing: `make a volume in ${zone}`,
      found: `this instance is in ${identity.zone}, and can attach volumes of its own zone only`,
      remedy: "leave out --zone, or add --elsewhere, which starts an instance there",
    });
  const names = ["EC2_BACKUP_FLAGS_AWS", "EC2_BACKUP_FLAGS_SSH", "AWS_BACKUP_INSTANCE_TYPE"];
  const unused = [...names.filter((name) => env[name]), ...(from === undefined ? [] : ["--from"])];
  if (unused.length > 0)
    tell(`the volume is attached to this instance, so ${unused.join(", ")} need not be used`);
}

async function whereWeAre(
  { region }: GroundWish,
  { self, tell }: DirectoryOptions,
  signal: AbortSignal,
): Promise<Identity | undefined> {
  if (self.env["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  let identity: Identity;
  try {
    identity = await readIdentity(second, signal);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind !== "unreachable") throw error;
    tell("this is no EC2 instance: one is started for the copy");
    return undefined;
  }
  if (region === undefined || region === identity.region) return identity;
  throw new BackupError({
    kind: "usage",
    doing: `copy a directory onto a volume in ${region}`,
    found: `this instance is in ${identity.region}`,
    remedy: "add --elsewhere, which starts an instance there",
  });
}

/** Whether somebody on this host has the disk for himself. */
async function inUse(volume: string, signal: AbortSignal): Promise<boolean> {
  try {
    return await isHeld(await diskOfVolume({ id: volume, device: "" }, 0, hostRoots, signal));
  } catch (error) {
    if (error instanceof BackupError && error.kind === "not-found") return false;
    return true;
  }
}
