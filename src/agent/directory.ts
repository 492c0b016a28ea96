import { withDisk } from "../actions/attach-disk.ts";
import { type Cleared, clearWorks, planClearing } from "../actions/clear-works.ts";
import { copyDirectory } from "../actions/copy-directory.ts";
import { unknownRegion } from "../aws/default-region.ts";
import { contentOf, type DirectoryCount, type DirectoryOrder } from "../core/directory.ts";
import { refuseContent } from "../core/directory-content.ts";
import { type DirectoryPlan, planDirectory, refuseVolume } from "../core/directory-plan.ts";
import type { DirectoryRestore } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import type { MountEntry } from "../core/mount-table.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { mountsWithin, withMountsWatched } from "../host/directory-mounts.ts";
import { directoryReader, emptyDirectory } from "../host/directory-reader.ts";
import { deadWorks, forgetWork } from "../host/directory-works.ts";
import {
  type DirectoryGround,
  type DirectoryOptions,
  type GroundWish,
  openGround,
} from "./directory-ground.ts";
import { type DiskSite, diskSite } from "./disk-host.ts";

export interface CopyWish extends GroundWish {
  readonly order: DirectoryOrder;
  readonly volume?: string;
  /** What the volume holds is given up, whatever it is. */
  readonly force: boolean;
  /** Only what would be done. */
  readonly planned: boolean;
}

export interface CopyAnswer {
  readonly count: DirectoryCount;
  readonly sizeGiB: number;
  readonly zone: string;
  readonly starts?: string;
  /** Absent where it was only planned, and a new one would be made. */
  readonly volume?: string;
  readonly made: boolean;
  readonly bytes?: number;
  readonly sha256?: string;
  /** What is not as it should be, though the copy is there. */
  readonly problems: readonly string[];
}

/** Copies a directory onto a volume. */
export async function copied(
  wish: CopyWish,
  options: DirectoryOptions,
  signal: AbortSignal,
): Promise<CopyAnswer> {
  const { order, force } = wish;
  return onGround(wish, options, signal, async (ground) => {
    const { identity, shell, directory, deps } = ground;
    const mounts = await mountsWithin(order);
    const count = await directoryReader(directory.path, shell).count(order, signal);
    deps.tell(`${order.directory} has ${count.entries} entries, ${count.bytes} bytes as an archive`);
    const cleared = wish.planned ? undefined : await clearDead(ground, signal);
    const volume = wish.volume === undefined ? undefined : await volumeNamed(wish.volume, ground, signal);
    const where = identity && { zone: identity.zone, instance: identity.instanceId };
    const plan = planDirectory(order, count, volume, { ...where, force });
    const zone = volume?.zone ?? wish.zone;
    const programs = [
      ...(order.method === "rsync" ? ["rsync", `mkfs.${order.filesystem}`] : []),
      ...(order.remote === undefined ? [] : ["bash", "mkfifo"]),
    ];
    const site = await diskSite(
      ground,
      { ...wish, ...(zone === undefined ? {} : { zone }) },
      programs,
      signal,
    );
    const told = {
      count,
      sizeGiB: plan.sizeGiB,
      zone: site.zone,
      ...(site.starts === undefined ? {} : { starts: site.starts }),
    };
    if (wish.planned) return { ...told, ...(volume && { volume: volume.id }), made: false, problems: [] };
    const result = await carryOut(plan, site, { force, mounts }, ground, signal);
    return { ...told, ...result, problems: [...result.problems, ...(cleared?.left ?? [])] };
  });
}

function carryOut(
  plan: DirectoryPlan,
  site: DiskSite,
  { force, mounts }: { readonly force: boolean; readonly mounts: readonly MountEntry[] },
  { deps }: DirectoryGround,
  signal: AbortSignal,
) {
  return site.use((host) => {
    const watched = withMountsWatched(host, mounts);
    return copyDirectory(plan, { host: watched, zone: site.zone, force }, deps, signal);
  });
}

export interface BringWish extends GroundWish, Pick<DirectoryRestore, "local" | "remote"> {
  readonly volume: string;
  readonly to: string;
  /** Also what is not known to be whole. */
  readonly force: boolean;
  /** Only what would be done. */
  readonly planned: boolean;
}

export interface BroughtAnswer {
  readonly volume: string;
  readonly to: string;
  readonly zone: string;
  readonly starts?: string;
  /** Absent where it was only planned. */
  readonly verified?: boolean;
  readonly problems: readonly string[];
}

/** Brings a directory back from a volume. */
export async function broughtBack(
  wish: BringWish,
  options: DirectoryOptions,
  signal: AbortSignal,
): Promise<BroughtAnswer> {
  return onGround(wish, options, signal, async (ground) => {
    const { identity, deps } = ground;
    const cleared = wish.planned ? undefined : await clearDead(ground, signal);
    const volume = await volumeNamed(wish.volume, ground, signal);
    const doing = `bring a directory back from ${volume.id}`;
    refuseVolume(volume, doing, identity ? { zone: identity.zone, instance: identity.instanceId } : {});
    refuseContent(volume, wish, doing);
    const site = await diskSite(ground, { ...wish, zone: volume.zone }, ["tar"], signal);
    const to = await emptyDirectory(wish.to, wish.planned);
    const told = {
      volume: volume.id,
      to,
      zone: site.zone,
      ...(site.starts === undefined ? {} : { starts: site.starts }),
    };
    if (wish.planned) return { ...told, problems: [] };
    const { value, left } = await site.use((host) =>
      withDisk(volume, host, deps, signal, async (disk) => {
        const content = contentOf(volume.tags);
        const holds = await host.look(disk, signal);
        const method = content?.method ?? (holds.kind === "filesystem" && holds.marker ? "rsync" : "dd");
        if (holds.kind === "nothing" || (method === "dd" && holds.kind === "filesystem"))
          throw new BackupError({ kind: "refused", doing, found: "it holds no directory of this command" });
        const { bytes, sha256 } = content ?? {};
        const { local, remote } = wish;
        return host.bringBack(
          disk,
          {
            method,
            to,
            ...(local === undefined ? {} : { local }),
            ...(remote === undefined ? {} : { remote }),
            ...(bytes === undefined ? {} : { bytes }),
            ...(sha256 === undefined ? {} : { sha256 }),
          },
          signal,
        );
      }),
    );
    const problems = [...(left === undefined ? [] : [left]), ...(cleared?.left ?? [])];
    return { ...told, ...value, problems };
  });
}

/** Clears up what copies that were killed have left, and does nothing else; not even that where it is `planned`. */
export async function cleanedUp(
  wish: GroundWish & { readonly planned: boolean },
  options: DirectoryOptions,
  signal: AbortSignal,
): Promise<Cleared> {
  return onGround(wish, options, signal, (ground) => clearDead(ground, signal, wish.planned));
}

async function clearDead(ground: DirectoryGround, signal: AbortSignal, isPlanned = false): Promise<Cleared> {
  const { all, region, clearing, places } = ground;
  const dead = await deadWorks(all);
  const here = dead.filter((one) => one.region === region || one.region === "");
  // One of them may have started an instance, though this is one.
  const started = here.some(({ instance }) => instance !== ground.identity?.instanceId);
  const deps = started ? { ...clearing, places } : clearing;
  const cleared = isPlanned
    ? { done: await planClearing(here, deps, signal), left: [], gone: [] }
    : await clearWorks(here, deps, signal);
  for (const work of cleared.gone) await forgetWork(all, work);
  const away = [...new Set(dead.map((one) => one.region))].filter((one) => one !== region && one !== "");
  const notHere = away.map(
    (one) => `a copy in ${one} was killed: ec2-backup directory --clean-up --elsewhere --region ${one}`,
  );
  return { ...cleared, left: [...cleared.left, ...notHere] };
}

async function volumeNamed(
  id: string,
  { deps, region }: DirectoryGround,
  signal: AbortSignal,
): Promise<VolumeState> {
  const [volume] = await deps.volumes.describe([id], signal);
  if (volume !== undefined) return volume;
  const found = `there is no such volume in ${region}`;
  const remedy = "see that its id and the region are right";
  throw new BackupError({ kind: "not-found", doing: `find ${id}`, found, remedy });
}

/** How failures tell of what a later invocation can remove or detach. */
const leftThere = /(?:instance|key-pair|security-group) \S+ is left|to be detached|is left empty/;

async function onGround<T>(
  wish: GroundWish,
  options: DirectoryOptions,
  signal: AbortSignal,
  act: (ground: DirectoryGround) => Promise<T>,
): Promise<T> {
  const ground = await openGround(wish, options, signal);
  try {
    const result = await act(ground);
    await ground.directory.end();
    return result;
  } catch (error) {
    // What is left in EC2 is found again by its note.
    const left = error instanceof BackupError && leftThere.test(error.found);
    if (!left) await ground.directory.end();
    throw unknownRegion(error, ground.region);
  }
}
