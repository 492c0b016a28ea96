import { createHash } from "node:crypto";
import type { RestoreDeps, RestoreWaits } from "../actions/restore-deps.ts";
import { type Connection, type ConnectionOptions, connect } from "../aws/connection.ts";
import { ec2Snapshots } from "../aws/restore-snapshots.ts";
import { ec2Volumes } from "../aws/restore-volumes.ts";
import type { SwapService } from "../core/replace-ports.ts";
import type { RestoreKey } from "../core/restore-obstacles.ts";
import type { SnapshotFinder } from "../core/restore-ports.ts";
import type { RestoreProgress } from "../core/restore-result.ts";
import { rootReplacementTag } from "../core/root-tag.ts";
import { isTimeZone } from "../core/zone.ts";
import { systemClock } from "../host/clock.ts";
import type { RestoreDisks } from "../host/restore-disks.ts";
import { type Opened, open, requestTimeout } from "./open.ts";
import { isSole } from "./restore-lock.ts";
import { routeOf } from "./route.ts";
import { newRunId } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

const second = 1_000;
const minute = 60 * second;

/** How long a restore waits for what. */
const waits: RestoreWaits = {
  poll: second / 10,
  retryFor: 2 * minute,
  visibleFor: 2 * minute,
  availableFor: 15 * minute,
  attachFor: 5 * minute,
  diskFor: 2 * minute,
  detachFor: 5 * minute,
  initializeFor: 24 * 60 * minute,
};

/** What a restoring command needs of its process beside what every command has. */
export interface RestoreOptions extends AgentOptions {
  readonly tell: (progress: RestoreProgress) => void;
  /** The zone of the host's clock. */
  readonly hostZone: string;
  /** Other than usual. */
  readonly waits?: Partial<RestoreWaits>;
}

/** This instance, and the ways to snapshots, volumes and disks. */
export interface RestoreSession {
  readonly opened: Opened;
  readonly snapshots: SnapshotFinder;
  /** The same of another Region. */
  readonly snapshotsIn: (region: string) => SnapshotFinder;
  readonly deps: RestoreDeps;
  /** What an earlier process has left mounted. */
  readonly mounts: Pick<RestoreDisks, "leftovers" | "undo">;
  /** A directory of ours, below which copies are mounted while they are looked into. */
  readonly scratch: string;
  /** Whether under the lock of restores nobody else can be at work here. */
  readonly sole: boolean;
  /** The zone of times that people type. */
  readonly zone: string;
  /** What swapping volumes in place asks of EC2. */
  readonly swaps: () => Promise<SwapService>;
  /** For what not every restore asks. */
  readonly connection: Connection;
  readonly keys: (arns: readonly string[]) => Promise<ReadonlyMap<string, RestoreKey>>;
}

/** Restoring has a connection of its own, since no run needs the requests that it makes. */
export async function openRestore(options: RestoreOptions, signal: AbortSignal): Promise<RestoreSession> {
  const run = newRunId();
  const opened = await open(run, options, signal);
  const { discovery } = opened.session;
  if (discovery.elsewhere === true) {
    const { notOfEc2 } = await import("../engines/no-volumes.ts");
    throw notOfEc2("restore points of volumes", discovery.instance.id);
  }
  if (opened.session.discovery.instance.tags[rootReplacementTag] !== undefined) {
    const { reportRoot } = await import("./root-confirmation.ts");
    await reportRoot(opened, options, signal);
  }
  return restoreSession(opened, run, options, signal);
}

/** The same for an instance that is found already. */
export async function restoreSession(
  opened: Opened,
  run: string,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreSession> {
  const { restoreDisks } = await import("../host/restore-disks.ts");
  const connecting: ConnectionOptions = {
    region: opened.session.identity.region,
    requestTimeout: requestTimeout(options.loaded),
    route: routeOf(options.self.env),
    userAgent: [
      ["ec2-backup-agent", options.version],
      ["restore", run],
    ],
  };
  const connection = connect(connecting);
  const { runtimeDirectory } = options.self;
  const disks = restoreDisks(`${runtimeDirectory}/restore`);
  return {
    opened,
    connection,
    snapshots: ec2Snapshots(connection),
    snapshotsIn: (region) => ec2Snapshots(connect({ ...connecting, region })),
    deps: {
      volumes: ec2Volumes(connection),
      disks,
      clock: systemClock,
      log: options.log,
      progress: options.tell,
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      waits: { ...waits, ...options.waits },
    },
    mounts: disks,
    scratch: `${runtimeDirectory}/looking`,
    sole: isSole(options.self),
    zone: zoneOf(options),
    swaps: async () => {
      const { ec2Swaps } = await import("../aws/restore-replace.ts");
      return ec2Swaps(connection, opened.session.identity);
    },
    async keys(arns) {
      if (arns.length === 0) return new Map();
      const { keysOf } = await import("../aws/key-state.ts");
      const keys = keysOf(connecting, connection.ec2.config.credentials);
      const asked = arns.map(async (arn): Promise<readonly [string, RestoreKey]> => {
        // A role that may restore need not be one that may look at keys; then EC2 will tell.
        const state = await keys.state(arn, signal).catch(() => ({}));
        return [arn, { arn, ...state }];
      });
      return new Map(await Promise.all(asked));
    },
  };
}

/** What the file says, else what the host's clock shows. */
export function zoneOf({ loaded, hostZone }: Pick<RestoreOptions, "loaded" | "hostZone">): string {
  const configured = loaded.ok === true ? loaded.file.config.timezone : undefined;
  if (configured !== undefined) return configured;
  return isTimeZone(hostZone) ? hostZone : "UTC";
}
