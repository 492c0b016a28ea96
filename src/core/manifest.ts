import type { Tags, Volume } from "./instance.ts";
import type { VolumeRecipe } from "./recovery-point.ts";

/** What the keys of its tags begin with; a number follows, from 1. */
export const manifestKey = "ec2-backup:manifest.";

/** EC2 allows this many characters in the value of a tag. */
export const maxTagValue = 256;

/** How much of the recipe fits: all of it, all but what was mounted where, or only which volumes the set was to hold. */
export type ManifestDetail = "mounts" | "full" | "ids";

/** A mount, as far as it tells where its files are. */
export interface MountHint {
  readonly path: string;
  readonly root: string;
  readonly volumes: readonly string[];
}

/** The recipe of a volume as it is attached now, with what is mounted of it as far as that is known. */
export function recipeOf(volume: Volume, mounts: readonly MountHint[] = []): VolumeRecipe {
  const own = mounts
    .filter(({ volumes }) => volumes.includes(volume.id))
    // Where not all find room, those that others are mounted below.
    .toSorted((a, b) => a.path.length - b.path.length)
    .map(({ path, root }) => (root === "/" ? { path } : { path, root }));
  return {
    volumeId: volume.id,
    device: volume.device,
    root: volume.root,
    type: volume.type,
    sizeGiB: volume.sizeGiB,
    ...(volume.iops === undefined ? {} : { iops: volume.iops }),
    ...(volume.throughput === undefined ? {} : { throughput: volume.throughput }),
    deleteOnTermination: volume.deleteOnTermination,
    ...(own.length === 0 ? {} : { mounts: own }),
  };
}

/**
 * The recipe of a set as tag values of at most 256 characters, several volumes to a value. Each volume
 * begins with its id; its other words are `key=value`, so that later versions can add some.
 */
export function encodeManifest(recipe: readonly VolumeRecipe[], detail: ManifestDetail): string[] {
  const values: string[] = [];
  let value = "";
  for (const volume of recipe) {
    const words = detail === "ids" ? volume.volumeId : wordsOf(volume, detail === "mounts");
    if (value !== "" && value.length + 1 + words.length > maxTagValue) {
      values.push(value);
      value = "";
    }
    value = value === "" ? words : `${value} ${words}`;
  }
  if (value !== "") values.push(value);
  return values;
}

function wordsOf(volume: VolumeRecipe, withMounts: boolean): string {
  const words = [volume.volumeId];
  const put = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && isPlain(String(value))) words.push(`${key}=${value}`);
  };
  put("dev", volume.device);
  if (volume.root === true) words.push("role=root");
  put("type", volume.type);
  put("gib", volume.sizeGiB);
  put("iops", volume.iops);
  put("mibps", volume.throughput);
  if (volume.deleteOnTermination !== undefined) put("dot", volume.deleteOnTermination ? 1 : 0);
  let text = words.join(" ");
  for (const { path, root = "/" } of (withMounts && volume.mounts) || []) {
    const more = ` mnt=${path}${root === "/" ? "" : ` sub=${root}`}`;
    // A word that is read back otherwise than it was written would lead to another file.
    const isGood = isPlain(path) && isPlain(root) && text.length + more.length <= maxTagValue;
    if (isGood) text += more;
  }
  return text;
}

/** Short enough, too, that all words of one volume fit into one tag. */
function isPlain(value: string): boolean {
  return /^[\p{L}\p{N}+\-=._:/@]{1,64}$/u.test(value) && value.length <= 64;
}

/** As many as EC2 allows tags, put together once: a key that is made anew is looked for by its letters. */
const manifestKeys = Array.from({ length: 50 }, (_, index) => `${manifestKey}${index + 1}`);

/** The values of the recipe that a point has among its tags. */
export function manifestValues(tags: Tags): string[] {
  const values: string[] = [];
  for (const key of manifestKeys) {
    const value = tags[key];
    if (value === undefined) break;
    values.push(value);
  }
  return values;
}

/** Reads what {@link encodeManifest} wrote; words of later versions are passed over. */
export function decodeManifest(values: readonly string[]): VolumeRecipe[] {
  const volumes: { -readonly [K in keyof VolumeRecipe]: VolumeRecipe[K] }[] = [];
  for (const word of values.flatMap((value) => value.split(" "))) {
    if (/^vol-[0-9a-f]+$/.test(word)) {
      volumes.push({ volumeId: word });
      continue;
    }
    const volume = volumes.at(-1);
    const at = word.indexOf("=");
    if (volume === undefined || at < 0) continue;
    const value = word.slice(at + 1);
    const number = /^\d{1,12}$/.test(value) ? Number(value) : undefined;
    switch (word.slice(0, at)) {
      case "dev":
        volume.device = value;
        break;
      case "role":
        if (value === "root") volume.root = true;
        break;
      case "type":
        volume.type = value;
        break;
      case "gib":
        if (number !== undefined) volume.sizeGiB = number;
        break;
      case "iops":
        if (number !== undefined) volume.iops = number;
        break;
      case "mibps":
        if (number !== undefined) volume.throughput = number;
        break;
      case "dot":
        volume.deleteOnTermination = value === "1";
        break;
      case "mnt":
        volume.mounts = [...(volume.mounts ?? []), { path: value }];
        break;
      case "sub": {
        const [mount, ...before] = volume.mounts?.toReversed() ?? [];
        if (mount !== undefined) volume.mounts = [...before.toReversed(), { ...mount, root: value }];
        break;
      }
    }
  }
  return volumes;
}
