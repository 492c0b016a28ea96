import { madeFrom } from "../core/resting.ts";
import type { Obstacle } from "../core/signature.ts";
import { askProgram, told } from "./ask-program.ts";
import type { HostRoots } from "./block-devices.ts";
import type { Look } from "./look-at-disks.ts";
import { patience } from "./probe-signatures.ts";

/**
 * Puts arrays on these disks together under names of their own, read-only, so that nothing is written to their
 * members, not even that they were used. Members are named one by one: mdadm looks for no others, and takes none
 * of an original with the same UUID. Tells by the path of each member what could not be put together.
 */
export async function assembleArrays(
  look: Look,
  _roots: HostRoots,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Obstacle>> {
  const obstacles = new Map<string, Obstacle>();
  const members = look.signatures.filter(({ type }) => type === "linux_raid_member");
  for (const uuid of new Set(members.map((one) => one.uuid ?? ""))) {
    const paths = members.filter((one) => (one.uuid ?? "") === uuid).map((one) => one.path);
    const numbers = new Set(paths.flatMap((one) => look.numberOf.get(one)?.number ?? []));
    // udev may have been quicker.
    if (madeFrom(numbers, look.present.all.devices).some(({ level }) => level !== undefined)) continue;
    const found = await assemble(uuid, paths, signal);
    if (found !== undefined) for (const one of paths) obstacles.set(one, found);
  }
  return obstacles;
}

async function assemble(
  uuid: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Obstacle | undefined> {
  const options = { timeout: patience.tool, signal };
  const facts = await told("mdadm", ["--examine", "--export", paths[0] ?? ""], options);
  const wanted = Number(/^MD_DEVICES=(\d+)$/m.exec(facts)?.[1] ?? 0);
  // A member that a crash left one event behind does not keep the others from being read.
  const words = ["--assemble", "--readonly", "--run", `/dev/md/restored-${uuid.slice(0, 8)}`, ...paths];
  if (paths.length < wanted)
    return {
      found: `the array ${uuid} has ${wanted} members, of which ${paths.length} are here`,
      remedy: `restore all its volumes from the same point, or start what is there: mdadm ${words.join(" ")}`,
    };
  const answer = await askProgram("unshare", ["--mount", "sh", "-c", unaware, "sh", ...words], options);
  if (answer.code === 0) return undefined;
  return {
    found: answer.said,
    remedy: `put it together where its original is not: mdadm ${words.join(" ")}`,
  };
}

/** mdadm keeps a list of arrays, and refuses one whose UUID is on it: the original's. Here it is empty. */
const unaware = `set -e
mount --make-rprivate /
mkdir -p /run/mdadm
mount -t tmpfs -o mode=700 tmpfs /run/mdadm
: > /run/mdadm/map
exec mdadm "$@"`;
