import type { SweepCreateDeps } from "../actions/sweep-create.ts";
import type { SweepVolumeDeps } from "../actions/sweep-volumes.ts";
import { createSnapshot, listLooseVolumes } from "../aws/sweep-volumes.ts";
import type { Waits } from "../core/job.ts";
import { partitionOf } from "../core/policy-fill.ts";
import { volumeArn } from "../core/sweep-volumes.ts";
import { ebsEngine } from "../engines/ebs.ts";
import { systemClock } from "../host/clock.ts";
import type { PartGround } from "./sweep-parts.ts";

/** What tags say is read as it is for instances. */
export function volumeDeps(
  ground: PartGround,
  { wished, tagged, leftOutByTag, newId }: SweepCreateDeps,
  waits: Waits,
): SweepVolumeDeps {
  const { place, ec2, run, settings, options, tell } = ground;
  const { connection, unit } = place;
  return {
    ec2,
    loose: (signal) => listLooseVolumes(connection, signal),
    create: (order) => createSnapshot(connection, order),
    engine: ebsEngine(connection, options.version),
    arnOf: (id) => volumeArn(id, unit, partitionOf(unit.region)),
    waits,
    rules: settings.create,
    wished,
    tagged,
    leftOut: (tags) => leftOutByTag({ tags }),
    newId,
    run,
    version: options.version,
    clock: systemClock,
    log: options.log,
    tell: (done, of) => tell(`${done} of ${of} volumes captured`, done / of),
  };
}
