import type { CopyDestination, SweepCopyDeps } from "../actions/sweep-copy-deps.ts";
import { connect } from "../aws/connection.ts";
import { listCopies } from "../aws/sweep-listing.ts";
import { copyRegions } from "../config/copy-regions.ts";
import { copyKeys } from "../core/restore-copies.ts";
import type { SweepOrder } from "../core/sweep-order.ts";
import type { PointService, SweepUnit } from "../core/sweep-ports.ts";
import { regionsByStanzas } from "../core/sweep-stanzas.ts";
import { ebsEngine } from "../engines/ebs.ts";
import { ebsCopies } from "../engines/ebs-copies.ts";
import { sweepPoints } from "../engines/sweep-points.ts";
import { systemClock } from "../host/clock.ts";
import { auditIn, jobOf, type PartGround, pruneDeps } from "./sweep-parts.ts";

export function copyDeps(order: SweepOrder, ground: PartGround): Promise<SweepCopyDeps> {
  const { place, ec2, run, settings, options, tell } = ground;
  return Promise.resolve({
    unit: place.unit,
    ec2,
    source: ebsEngine(place.connection, options.version),
    destination: (region) => Promise.resolve(destinationOf(region, order, ground)),
    regionsOf: copyRegions,
    regionsFor: (instance) => regionsByStanzas(instance, ground.stanzas),
    jobOf: (name, retention) => jobOf(name, retention, ground),
    rules: settings.copy,
    clock: systemClock,
    log: options.log,
    audit: options.audit ?? auditIn(options.stateDirectory),
    run,
    tell,
  });
}

/** Another Region of the account, with a connection of its own, so that one that hangs keeps no other busy. */
function destinationOf(region: string, order: SweepOrder, ground: PartGround): CopyDestination {
  const { place, leftOver } = ground;
  const connecting = { ...place.connecting, region };
  const connection = connect(connecting);
  const unit: SweepUnit = { ...place.unit, id: `${place.unit.account}/${region}`, region };
  const service = sweepPoints(connection, unit);
  const copies: CopyDestination["copies"] = (signal) => listCopies(connection, signal);
  const thin: CopyDestination["thin"] = async (signal) => {
    const { sweepPrune } = await import("../actions/sweep-prune.ts");
    const ec2 = onlyCopies(service, copies, place.unit.region);
    return sweepPrune(order, { ...pruneDeps(ground), unit, ec2 }, signal);
  };
  return {
    region: ebsCopies(connection, async () => {
      const { keysOf } = await import("../aws/key-state.ts");
      return keysOf(connecting, connection.ec2.config.credentials);
    }),
    copies,
    remove: service.remove,
    ...(leftOver(unit.id) ? { thin } : {}),
  };
}

/** A Region as far as it holds copies from one other: what else is there is no business of this sweep. */
function onlyCopies(service: PointService, copies: CopyDestination["copies"], from: string): PointService {
  return {
    ...service,
    points: async (signal) => {
      const { snapshots, asOf } = await copies(signal);
      return { snapshots: snapshots.filter(({ tags }) => tags[copyKeys.from] === from), asOf };
    },
    // No instance of copies is there; what its own Region says of it is on the copies.
    instances: () => Promise.resolve([]),
  };
}
