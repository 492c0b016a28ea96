import { BackupError } from "../core/errors.ts";
import { byGroup, freeName, groupsIn, type PhysicalVolume } from "../core/lvm-groups.ts";
import { madeFrom } from "../core/resting.ts";
import type { Obstacle } from "../core/signature.ts";
import { told } from "./ask-program.ts";
import type { HostRoots } from "./block-devices.ts";
import type { Look } from "./look-at-disks.ts";
import { patience } from "./probe-signatures.ts";

/**
 * Has LVM see these devices and no others, whatever its configuration says: clones and originals together are
 * "duplicate" to it, and it would choose. `devices/filter` is known to all versions; the others are passed over
 * where they are not known.
 */
function onlyThese(devices: readonly string[], more = ""): string {
  const accept = devices.map((one) => `"a|^${one.replace(/[.+*?^${}()|[\]\\]/g, "\\$&")}$|"`);
  const filter = `[${[...accept, '"r|.*|"'].join(",")}]`;
  const rest = "use_devicesfile=0 obtain_device_list_from_udev=0 multipath_component_detection=0";
  return `devices { filter=${filter} global_filter=${filter} ${rest} } global { use_lvmetad=0 } ${more}`;
}

async function physicalVolumes(devices: readonly string[], signal: AbortSignal): Promise<PhysicalVolume[]> {
  if (devices.length === 0) return [];
  const columns = "pv_name,pv_uuid,vg_name,vg_uuid,vg_missing_pv_count";
  const words = ["pvs", "--config", onlyThese(devices), "--reportformat", "json", "-o", columns];
  return groupsIn(await told("lvm", words, { timeout: patience.tool, signal }));
}

interface Clash {
  readonly group: string;
  readonly members: readonly string[];
  readonly found: string;
}

/** The groups on these disks: those that can be used as they are, those that cannot, and names that are taken. */
async function judged(
  look: Look,
  signal: AbortSignal,
): Promise<{
  good: readonly Clash[];
  clashes: readonly Clash[];
  incomplete: readonly Clash[];
  torn: readonly string[];
  taken: Set<string>;
}> {
  const members = (signatures: Look["signatures"]): string[] =>
    signatures.filter(({ type }) => type === "LVM2_member").map((one) => one.path);
  const own = await physicalVolumes(members(look.signatures), signal);
  const others = await physicalVolumes(members(look.others), signal).catch(() => []);
  const ours = madeFrom(new Set(look.numbers.values()), look.present.all.devices);
  const foreign = look.present.all.devices.filter((one) => !ours.includes(one));
  const active = foreign.flatMap(({ mapped }) => (mapped?.uuid.startsWith("LVM-") ? [mapped.name] : []));
  const taken = new Set([...others, ...own].map((one) => one.group));
  const [good, clashes, incomplete]: [Clash[], Clash[], Clash[]] = [[], [], []];
  const { groups, torn } = byGroup(own);
  for (const [group, of] of groups) {
    const paths = of.map((one) => one.path);
    const missing = of[0]?.missing ?? 0;
    const twin = others.find((one) => one.group === group || one.groupUuid === of[0]?.groupUuid);
    const inUse = active.find((name) => name.startsWith(`${group.replaceAll("-", "--")}-`));
    if (missing > 0) {
      const found = `the volume group ${group} lacks ${missing} of its disks`;
      incomplete.push({ group, members: paths, found });
    } else if (twin !== undefined || inUse !== undefined) {
      const found = `the volume group ${group} is here twice: also on ${twin?.path ?? inUse}`;
      clashes.push({ group, members: paths, found });
    } else good.push({ group, members: paths, found: "" });
  }
  return { good, clashes, incomplete, torn, taken };
}

/**
 * Makes the logical volumes on these disks available, read-only and writing nothing to the disks. Tells by the
 * path of each physical volume what could not be made available, and why.
 */
export async function activateGroups(
  look: Look,
  _roots: HostRoots,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Obstacle>> {
  const { good, clashes, incomplete, torn, taken } = await judged(look, signal);
  for (const { group, members } of good) await activate(group, members, false, signal);
  const obstacles = new Map<string, Obstacle>();
  for (const { group, members, found } of clashes) {
    const remedy = `vgimportclone -n ${freeName(group, taken)} ${members.join(" ")} gives the clone a name of its own`;
    for (const one of members) obstacles.set(one, { found, remedy });
  }
  for (const { members, found } of incomplete)
    for (const one of members)
      obstacles.set(one, { found, remedy: "restore all its volumes from the same point" });
  const found =
    "its volume group is not described here: it lacks disks, or was cut off while it got a name of its own";
  for (const one of torn) obstacles.set(one, { found, remedy: onceMore });
  return obstacles;
}

const onceMore = "undo this restore, and restore all volumes of the group once more from the same point";

/** What is active already stays as it is, but for its being writable. */
export async function activate(
  group: string,
  members: readonly string[],
  writable: boolean,
  signal: AbortSignal,
): Promise<void> {
  const list = writable ? "" : `activation { read_only_volume_list=["${group}"] }`;
  const words = ["vgchange", "--config", onlyThese(members, list), "-ay", group];
  await told("lvm", words, { timeout: patience.tool, signal });
}

/** Takes the logical volumes of a group away; they must not be in use. */
export async function deactivate(
  group: string,
  members: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const words = ["vgchange", "--config", onlyThese(members), "-an", group];
  await told("lvm", words, { timeout: patience.tool, signal });
}

/** Gives groups that are here twice a name and UUIDs of their own. Writes to the disks. Tells what was done. */
export async function separateGroups(look: Look, signal: AbortSignal): Promise<readonly string[]> {
  const { clashes, taken } = await judged(look, signal);
  const notes: string[] = [];
  for (const { group, members } of clashes) {
    const name = freeName(group, taken);
    taken.add(name);
    const words = ["vgimportclone", "--config", onlyThese(members), "-n", name, ...members];
    // Not to be stopped: one that is cut off between its writes leaves a group that nothing puts together again.
    await told("lvm", words, { timeout: patience.tool }, onceMore);
    notes.push(`the clone of the volume group ${group} is called ${name}`);
  }
  return notes;
}

/** The group that a logical volume, known by its number, is of, and where that lies. */
export async function groupOf(
  members: readonly string[],
  mapped: string,
  signal: AbortSignal,
): Promise<{ readonly group: string; readonly members: readonly string[] }> {
  const all = await physicalVolumes(members, signal);
  const found = all.find(({ group }) => group !== "" && mapped.startsWith(`${group.replaceAll("-", "--")}-`));
  if (found === undefined)
    throw new BackupError({
      kind: "unexpected",
      doing: `find the group of ${mapped}`,
      found: "there is none",
    });
  const { group } = found;
  return { group, members: all.filter((one) => one.group === group).map((one) => one.path) };
}
