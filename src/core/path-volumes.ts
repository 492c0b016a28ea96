import type { MappedMount, MountMap } from "./mount-map.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

/** Volumes of a point on which a path may lie, and what the path may be called within their filesystem. */
export interface PathAttempt {
  /** Ids of captured volumes, all of which the filesystem rests on. */
  readonly volumes: readonly string[];
  /** The likeliest first. */
  readonly paths: readonly string[];
  readonly because: string;
}

/** What tells where a path lies. */
export interface PathGround {
  readonly point: Pick<RecoveryPoint, "snapshots" | "recipe">;
  /** Ids of captured volumes that were named; then nothing else is tried. */
  readonly named: readonly string[];
  /** The path with the links resolved that this host has in it, where the point is of this very instance. */
  readonly real?: string;
  /** What is mounted here now, where the point is of this very instance. */
  readonly map?: Pick<MountMap, "mounts" | "others">;
  /** Attached volumes that were restored of captured ones, and of which: they took their places. */
  readonly standIns: ReadonlyMap<string, string>;
}

/** A mount, and the captured volumes that it rests on. */
interface Place {
  readonly path: string;
  /** The directory of the filesystem that is mounted there. */
  readonly root: string;
  readonly volumes: readonly string[];
}

/**
 * Which volumes of a point are copied for a path, in the order in which they are tried; the next only where the path
 * is not on those before. What the point recorded goes before what is mounted now, since a disk that is lost is not
 * mounted any more, and then its directory seems to be on the root.
 */
export function attemptsFor(path: string, ground: PathGround): readonly PathAttempt[] {
  const attempts = waysTo(path, ground);
  if (!path.endsWith("/")) return attempts;
  // A slash at the end says that a link is to be followed.
  const slashed = (one: string): string => (one.endsWith("/") ? one : `${one}/`);
  return attempts.map((one) => ({ ...one, paths: unique(one.paths.map(slashed)) }));
}

function waysTo(path: string, ground: PathGround): readonly PathAttempt[] {
  const { named, point, real = path } = ground;
  const held = point.snapshots.map(({ volumeId }) => volumeId);
  const wanted = clean(real);
  const plain = [path, real];
  if (named.length > 0) {
    const place = deepest([...recorded(ground), ...mounted(ground)], wanted);
    const paths = place === undefined ? plain : pathsBelow(place, wanted, plain);
    return [{ volumes: named, paths: unique(paths), because: "it is named" }];
  }
  const ways = [
    { places: recorded(ground), words: "rested on it at the capture", whole: false },
    { places: mounted(ground), words: "rests on it now", whole: true },
  ];
  for (const { places, words, whole } of ways) {
    const place = deepest(places, wanted);
    if (place === undefined || !isHeld(place, held)) continue;
    const paths = unique(pathsBelow(place, wanted, plain));
    const sure = { volumes: place.volumes, paths, because: `${place.path} ${words}` };
    const elsewhere = held.filter((id) => !places.some(({ volumes }) => volumes.includes(id)));
    // Not all of it may be recorded, and a path that leads to the root may have led to a disk that is not mounted now.
    if (elsewhere.length === 0 || (whole && place.path !== "/")) return [sure];
    return [sure, { volumes: elsewhere, paths, because: "nothing tells what was mounted of it" }];
  }
  return blind(ground, held, plain, wanted);
}

function blind(
  { point }: PathGround,
  held: readonly string[],
  plain: readonly string[],
  wanted: string,
): readonly PathAttempt[] {
  const root = point.recipe.find((one) => one.root === true)?.volumeId;
  const data = held.filter((id) => id !== root);
  // Where it was mounted is unknown: any part of the path may be the mount point.
  const names = wanted.split("/").slice(1);
  const parts = names.map((_, index) => `/${names.slice(index).join("/")}`);
  const rootIsHeld = root !== undefined && held.includes(root);
  return [
    ...(data.length === 0
      ? []
      : [
          {
            volumes: data,
            paths: unique([...plain, ...parts]),
            because: "nothing tells where they were mounted",
          },
        ]),
    ...(rootIsHeld ? [{ volumes: [root], paths: unique(plain), because: "it is the root volume" }] : []),
  ];
}

/** Mounts that the point's recipe tells. */
function recorded({ point }: PathGround): readonly Place[] {
  const places = new Map<string, { path: string; root: string; volumes: string[] }>();
  for (const { volumeId, mounts = [] } of point.recipe) {
    for (const { path, root = "/" } of mounts) {
      const place = places.get(path) ?? { path, root, volumes: [] };
      place.volumes.push(volumeId);
      places.set(path, place);
    }
  }
  return [...places.values()];
}

/** Mounts of this host; those that rest on no disk have no volumes, and hide what they are mounted over. */
function mounted({ map, standIns }: PathGround): readonly Place[] {
  if (map === undefined) return [];
  const placeOf = ({ path, root, volumes, unknown }: MappedMount): Place => ({
    path,
    root,
    volumes: unknown.length > 0 ? [] : volumes.map((id) => standIns.get(id) ?? id),
  });
  const others = (map.others ?? []).map(({ path }) => ({ path, root: "/", volumes: [] }));
  return [...map.mounts.map(placeOf), ...others];
}

function deepest(places: readonly Place[], path: string): Place | undefined {
  const over = places.filter((place) => isBelow(path, place.path));
  return over.toSorted((a, b) => b.path.length - a.path.length)[0];
}

function isBelow(path: string, directory: string): boolean {
  return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}

function isHeld({ volumes }: Place, held: readonly string[]): boolean {
  return volumes.length > 0 && volumes.every((id) => held.includes(id));
}

/**
 * From the top of the filesystem, and as if what was mounted were its top, as of a btrfs that has another default
 * subvolume.
 */
function pathsBelow({ path, root }: Place, wanted: string, plain: readonly string[]): readonly string[] {
  const below = path === "/" ? wanted : wanted.slice(path.length);
  return [clean(`${root}/${below}`), clean(`/${below}`), ...plain];
}

/** Without doubled slashes and dots. */
function clean(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

function unique(all: readonly string[]): readonly string[] {
  return [...new Set(all)];
}
