import type { Connection } from "../aws/connection.ts";
import { listInstances, listPoints, listPointsAgain, listVolumeIds } from "../aws/sweep-listing.ts";
import { markDoomed, unmarkDoomed } from "../aws/sweep-marks.ts";
import type { PointService, SweepUnit } from "../core/sweep-ports.ts";
import { removeOne, withOutsideHolds } from "./ebs.ts";

/** EC2 in one unit, for the pruner. */
export function sweepPoints(connection: Connection, unit: SweepUnit): PointService {
  return {
    points: (signal, seen) => listPoints(connection, signal, seen),
    again: (ids, signal) => listPointsAgain(connection, ids, signal),
    instances: (signal) => listInstances(connection, unit, signal),
    volumes: (signal) => listVolumeIds(connection, signal),
    withHolds: (points, signal) => withOutsideHolds(connection, points, signal),
    remove: (id, signal) => removeOne(connection, id, signal),
    mark: (ids, since, signal) => markDoomed(connection, ids, since, signal),
    unmark: (ids, signal) => unmarkDoomed(connection, ids, signal),
  };
}
