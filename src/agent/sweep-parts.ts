import type { SweepAlarmDeps } from "../actions/sweep-alarms.ts";
import type { SweepCreateDeps } from "../actions/sweep-create.ts";
import type { SweepPruneDeps } from "../actions/sweep-prune-deps.ts";
import type { Turns } from "../actions/turns.ts";
import type { OpenUnit } from "../aws/sweep-units.ts";
import { leftOutByTags, readBackupTag } from "../config/backup-tag.ts";
import { defaultTimezone, defaultWaits } from "../config/defaults.ts";
import { taggedRules } from "../config/tagged-rules.ts";
import type { Job } from "../core/job.ts";
import { partitionOf } from "../core/policy-fill.ts";
import type { Audit } from "../core/ports.ts";
import type { Stanza } from "../core/stanzas.ts";
import type { PointService } from "../core/sweep-ports.ts";
import type { SweepSettings } from "../core/sweep-settings.ts";
import { stanzaWishes } from "../core/sweep-stanzas.ts";
import { appendLine } from "../host/atomic-file.ts";
import { systemClock } from "../host/clock.ts";
import { newRunId } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

/** What the parts of a sweep in one unit have in common. */
export interface PartGround {
  readonly place: OpenUnit;
  /** Its listings are asked for once. */
  readonly ec2: PointService;
  readonly run: string;
  readonly settings: SweepSettings;
  readonly options: Pick<AgentOptions, "log" | "stateDirectory" | "version" | "loaded"> & {
    readonly audit?: Audit;
  };
  /** `share`: how much of the part is done, from 0 to 1. */
  readonly tell: (what: string, share?: number) => void;
  /** Whether copies in such a unit are pruned by nobody else, and are to be. */
  readonly leftOver: (unitId: string) => boolean;
  /** When the unit must end, by the clock that never jumps. */
  readonly until: number;
  /** Those that are configured. */
  readonly stanzas: readonly Stanza[];
  readonly turns: Turns;
}

/**
 * The same listings for all parts of a sweep: what is made meanwhile makes what is older no less worth keeping. So many
 * parts ask for points; after the last one they are let go.
 */
export function listedOnce(ec2: PointService, asking: number): PointService {
  let left = asking;
  let points: ReturnType<PointService["points"]> | undefined;
  let instances: ReturnType<PointService["instances"]> | undefined;
  return {
    ...ec2,
    points: (signal, seen) => {
      const listing = points ?? ec2.points(signal, seen);
      left -= 1;
      points = left > 0 ? listing : undefined;
      return listing;
    },
    instances: (signal) => {
      instances ??= ec2.instances(signal);
      return instances;
    },
  };
}

export function pruneDeps(ground: PartGround): SweepPruneDeps {
  const { place, ec2, run, settings, options, stanzas, tell, turns } = ground;
  return {
    unit: place.unit,
    ec2,
    clock: systemClock,
    log: options.log,
    audit: options.audit ?? auditIn(options.stateDirectory),
    run,
    rules: settings.prune,
    taggedRules,
    stanzas,
    turns,
    tell: (what, done, of) =>
      of === undefined
        ? tell(`${done} snapshots ${what}`)
        : tell(`${done} of ${of} points ${what}`, done / of),
  };
}

/** The record of removals is of this host, like that of its own runs. */
export function auditIn(stateDirectory: string): Audit {
  return { append: (line) => appendLine(`${stateDirectory}/removals.jsonl`, JSON.stringify(line)) };
}

export async function createDeps(
  ground: PartGround,
  stops: SweepCreateDeps["stops"],
): Promise<SweepCreateDeps> {
  const { place, ec2, run, settings, options, tell } = ground;
  const { unit, connection } = place;
  const { discover } = await import("../aws/discover.ts");
  const { listFiltered } = await import("../aws/sweep-listing.ts");
  const { ebsEngine } = await import("../engines/ebs.ts");
  const { clearClaims, writeClaims } = await import("../aws/sweep-marks.ts");
  const { account, region } = unit;
  const place0 = { account, region, zone: "", partition: partitionOf(region), instanceStores: [] };
  return {
    ec2,
    engine: ebsEngine(connection, options.version),
    filtered: (filters, signal) => listFiltered(connection, filters, signal),
    discover: ({ id }, signal) => discover(connection, { ...place0, instanceId: id }, signal),
    claims: {
      write: (ids, value, signal) => writeClaims(connection, ids, value, signal),
      clear: (ids, value) => clearClaims(connection, ids, value),
      shownAfter: Math.min(shownAfter, waitsOf(options).reconcileFor / 5),
    },
    jobOf: (one, discovery) => ({ ...jobOf(one.job, one.policy, ground), ...stanzaWishes(one, discovery) }),
    stanzas: ground.stanzas,
    // Stanzas alone ask for no others; whoever asks for captures beside them means all.
    byTags: settings.creates || settings.stanzas === undefined,
    wished: (tags) => readBackupTag(tags).take,
    tagged: taggedRules,
    leftOutByTag: ({ tags }) => leftOutByTags(tags),
    newId: newRunId,
    run,
    rules: settings.create,
    stops,
    clock: systemClock,
    log: options.log,
    tell: (done, of) => tell(`${done} of ${of} instances captured`, done / of),
  };
}

/** Milliseconds after which a tag is seen by everybody: EC2 says no more than that it takes a while. */
const shownAfter = 60_000;

/** Those of the file's first job. */
export function waitsOf({ loaded }: Pick<AgentOptions, "loaded">): Job["waits"] {
  const waits = loaded.ok === true ? Object.values(loaded.file.config.jobs ?? {})[0]?.waits : undefined;
  return { ...defaultWaits, ...waits };
}

/** Nothing is held still from outside: such a point is as consistent as after a power failure. */
export function jobOf(name: string, retention: Job["retention"], { options }: PartGround): Job {
  return {
    name,
    timezone: defaultTimezone,
    splay: 0,
    volumes: { root: true, exclude: [] },
    retention,
    hooks: [],
    whenLess: "degrade",
    addTags: {},
    dialect: "none",
    waits: waitsOf(options),
  };
}

export async function alarmDeps({ place, ec2 }: PartGround, signal: AbortSignal): Promise<SweepAlarmDeps> {
  const { unit, connection, connecting } = place;
  const { cloudWatchAlarms } = await import("../aws/alarms.ts");
  const { connectCloudWatch } = await import("../aws/connection.ts");
  const { livingInstances } = await import("../aws/living-instances.ts");
  const { listInstances } = await import("../aws/sweep-listing.ts");
  const client = connectCloudWatch(connecting, connection);
  return {
    alarms: cloudWatchAlarms(client, connecting.requestTimeout * 4, signal),
    living: livingInstances(connection, signal),
    instances: () => ec2.instances(signal),
    instancesNow: () => listInstances(connection, unit, signal),
    clock: systemClock,
  };
}
