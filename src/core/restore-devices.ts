/**
 * Where an attached disk shows, by its letters: `/dev/sdf`, `sdf` and `/dev/xvdf` are one place to the kernel, and
 * the root that EC2 calls `/dev/sda1` has the place of `/dev/sda`. Absent for names of another kind.
 */
export function placeOf(device: string): string | undefined {
  return /^(?:\/dev\/)?(?:sd|xvd)([a-z]{1,2})\d{0,3}$/.exec(device)?.[1];
}

/**
 * The names that EC2 takes for EBS volumes of Linux instances, in the order in which we use them: `/dev/sd[f-p]` is
 * what AWS recommends, the others are allowed (EC2 user guide, "Device names for volumes"). `b` to `e` are left to
 * instance stores.
 */
export const freeNames: readonly string[] = [
  ..."fghijklmnopqrstuvwxyz".split("").map((letter) => `/dev/sd${letter}`),
  ..."bcd".split("").flatMap((first) => letters().map((second) => `/dev/xvd${first}${second}`)),
];

function letters(): string[] {
  return "abcdefghijklmnopqrstuvwxyz".split("");
}

/** A name for each volume, with the reason in words; `undefined` where no name is left. */
export interface PlannedDevice {
  readonly device: string | undefined;
  readonly because: string;
}

/**
 * The recorded name of each volume where its place is free, else the first free one. Recorded names are given out
 * before any other, so that no volume takes the place of the next.
 */
export function planDevices(
  recorded: readonly (string | undefined)[],
  taken: readonly string[],
): readonly PlannedDevice[] {
  const full = new Set(taken.map((device) => placeOf(device) ?? device));
  const planned: (PlannedDevice | undefined)[] = recorded.map((device) => {
    if (device === undefined || !isUsable(device) || full.has(placeOf(device) ?? device)) return undefined;
    full.add(placeOf(device) ?? device);
    return { device, because: "as it was attached" };
  });
  return planned.map((one, index) => {
    if (one !== undefined) return one;
    const device = freeNames.find((name) => !full.has(placeOf(name) ?? name));
    if (device !== undefined) full.add(placeOf(device) ?? device);
    const was = recorded[index];
    return { device, because: was === undefined ? "a free name" : `a free name, since ${was} is taken` };
  });
}

/** The place of the root is no place for a data volume: EC2 refuses it or boots from it. */
function isUsable(device: string): boolean {
  const place = placeOf(device);
  return place !== undefined && place !== "a";
}
