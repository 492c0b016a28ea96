import type { Tags } from "./instance.ts";
import type { DeviceOrder } from "./machine-ports.ts";
import type { MachineObstacle } from "./machine-wish.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { planDevices } from "./restore-devices.ts";
import { type PlannedVolume, restoreTags, volumeTags } from "./restore-plan.ts";
import type { FoundSnapshot } from "./restore-ports.ts";
import { chosenSnapshots, type Left } from "./restore-selection.ts";
import { shapeOf } from "./restore-shape.ts";

/** All volumes of a point as a new machine is to have them. */
export interface MachineDevices {
  readonly root?: DeviceOrder;
  /** The root's too, in the order of {@link volumes}. */
  readonly devices: readonly DeviceOrder[];
  readonly volumes: readonly PlannedVolume[];
  readonly left: readonly Left[];
  readonly obstacles: readonly MachineObstacle[];
}

/** Type, speed, size, place and tags of each volume, as recorded. Throws `usage` where one cannot be made so. */
export function machineDevices(
  point: RecoveryPoint,
  found: readonly FoundSnapshot[],
  rootDevice: string | undefined,
  { zone, tags }: { readonly zone: string; readonly tags: Tags },
): MachineDevices {
  const all = point.snapshots.map(({ volumeId }) => volumeId);
  const { chosen, left } =
    all.length === 0 ? { chosen: [], left: [] } : chosenSnapshots(point, { volumes: all });
  const members = chosen.map((one) => ({
    snapshot: found.find(({ id }) => id === one.id) ?? one,
    recipe: point.recipe.find(({ volumeId }) => volumeId === one.volumeId),
  }));
  const roots = members.filter(({ recipe }) => recipe?.root === true);
  const place = rootDevice ?? roots[0]?.recipe?.device ?? "/dev/xvda";
  const data = members.filter(({ recipe }) => recipe?.root !== true);
  const names = planDevices(
    data.map(({ recipe }) => recipe?.device),
    [place],
  );
  const volumes: PlannedVolume[] = [];
  const devices: DeviceOrder[] = [];
  for (const member of members) {
    const root = member.recipe?.root === true;
    const name = root ? undefined : names[data.indexOf(member)];
    const device = root ? place : (name?.device ?? "");
    const { id: snapshot, volumeId } = member.snapshot;
    const shape = shapeOf(member.snapshot, member.recipe, {});
    const labels = volumeTags(member.snapshot, {
      ...tags,
      [restoreTags.from]: snapshot,
      [restoreTags.volume]: volumeId,
    });
    const because = root ? "the root" : (name?.because ?? "no name is left");
    volumes.push({
      volume: volumeId,
      root,
      request: { snapshot, zone, ...shape.volume, tags: labels.tags },
      device,
      deviceBecause: because,
      notes: shape.notes,
    });
    const { type, sizeGiB, iops, throughput } = shape.volume;
    const deleteOnTermination = member.recipe?.deleteOnTermination ?? root;
    const speed = {
      ...(iops === undefined ? {} : { iops }),
      ...(throughput === undefined ? {} : { throughput }),
    };
    devices.push({ device, snapshot, type, sizeGiB, ...speed, deleteOnTermination });
  }
  const root = devices[volumes.findIndex((one) => one.root)];
  return {
    ...(root === undefined ? {} : { root }),
    devices,
    volumes,
    left,
    obstacles: obstaclesIn(point, root, volumes, left),
  };
}

function obstaclesIn(
  point: RecoveryPoint,
  root: DeviceOrder | undefined,
  volumes: readonly PlannedVolume[],
  left: readonly Left[],
): readonly MachineObstacle[] {
  return [
    ...(root === undefined ? [noRoot(point)] : []),
    ...volumes.filter(({ device }) => device === "").map(({ volume }) => noName(volume)),
    ...left.map(({ volume, because }) => ({
      about: volume,
      severity: "note" as const,
      found: `the new instance lacks a copy of ${volume}: ${because}`,
    })),
  ];
}

function noRoot(point: RecoveryPoint): MachineObstacle {
  const known = point.recipe.find(({ root }) => root === true)?.volumeId;
  return {
    about: "root",
    severity: "blocks",
    found: `the point holds no ${known === undefined ? "root volume" : `snapshot of the root volume ${known}`}, so nothing can boot from it`,
    remedy: "choose another point, or bring its volumes to an instance: ec2-backup restore volumes",
  };
}

function noName(volume: string): MachineObstacle {
  return { about: volume, severity: "blocks", found: `there is no device name left for ${volume}` };
}
