import type { BlockDevice, Identities, Identity } from "./block-device.ts";
import type { Volume } from "./instance.ts";

/**
 * Finds the volumes of Xen disks by name: what is attached as `/dev/sdf` or `xvdf` appears as `xvdf`.
 * Some kernels shift all letters, so that names agree by chance: unless every attached volume has its
 * disk, no name is believed.
 */
export function xenVolumes(disks: readonly BlockDevice[], volumes: readonly Volume[]): Identities {
  const of = new Map<string, Identity>();
  if (disks.length === 0) return { of, doubts: [] };
  const doubts: string[] = [];
  const orphans = volumes
    .filter((volume) => volume.attachment !== "attaching" && volume.attachment !== "detaching")
    .filter((volume) => !disks.some((disk) => couldBe(disk.name, volume)));
  if (orphans.length > 0) {
    const names = disks.map((disk) => disk.name).sort();
    doubts.push(
      `${orphans.map(named).join(", ")} has no disk of that name among ${names.join(", ")}: this kernel names disks in its own way, so no name is believed`,
    );
    for (const disk of disks)
      of.set(disk.number, { because: "has a name that does not tell which volume it is" });
    return { of, doubts };
  }
  for (const disk of disks) {
    const candidates = volumes.filter((volume) => couldBe(disk.name, volume));
    const rivals = disks.filter((one) => candidates.some((volume) => couldBe(one.name, volume)));
    const identity: Identity =
      rivals.length > 1
        ? {
            because: `is named much like ${rivals.flatMap((one) => (one === disk ? [] : one.name)).join(", ")}`,
          }
        : chosen(disk.name, candidates);
    of.set(disk.number, identity);
    if (candidates.length > 0 && "because" in identity) doubts.push(`${disk.name} ${identity.because}`);
  }
  return { of, doubts };
}

function chosen(disk: string, candidates: readonly Volume[]): Identity {
  const [only] = candidates;
  if (only === undefined) return { because: "is named like no attached volume; it may be an instance store" };
  if (candidates.length > 1) return { because: `could be ${candidates.map(named).join(" or ")}` };
  // EC2 attaches the root as /dev/sda1, which is a disk and no partition; elsewhere such a name is no proof.
  if (lettersOf(only.device) === lettersOf(disk) || only.root) return { volume: only.id };
  return { because: `could be ${named(only)}, whose name looks like that of a partition` };
}

function couldBe(disk: string, volume: Volume): boolean {
  const letters = lettersOf(disk);
  const attached = lettersOf(volume.device);
  if (letters === undefined || attached === undefined) return false;
  return attached === letters || attached.replace(/\d+$/, "") === letters;
}

/** What tells disks apart in `/dev/sdf`, `sdf`, `xvdf`: the `f`, and digits where there are any. */
function lettersOf(device: string): string | undefined {
  return /^(?:\/dev\/)?(?:sd|xvd)([a-z]{1,2}\d{0,3})$/.exec(device)?.[1];
}

function named(volume: Volume): string {
  return `${volume.id} (${volume.device})`;
}
