/** What the system says of one place, without following a link. */
export interface Looked {
  readonly kind: "file" | "directory" | "link" | "other";
  readonly uid: number;
  /** Permission bits and those above them, such as the sticky bit. */
  readonly mode: number;
  /** Where a link leads. */
  readonly target?: string;
}

/** A place on the way to a file. */
export interface Place extends Looked {
  readonly path: string;
}

/** Looks at a place; rejects with the system's error where there is none. */
export type Look = (path: string) => Promise<Looked>;

/** Why a place must not be relied on, and what mends it. */
export interface Distrust {
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly remedy: string;
}

/** A user whose writing is no danger, and how people call it. */
export interface TrustedUser {
  readonly uid: number;
  /** `the agent's user`; not needed of root. */
  readonly name: string;
}

const writableByGroup = 0o020;
const writableByOthers = 0o002;
const sticky = 0o1000;
/** As the kernel does, so that links in a circle end. */
const mostLinks = 40;

/**
 * Every place that decides what is found under an absolute path: each directory from the root on, each
 * link, what the links lead to and the directories above that; the file itself is the last.
 */
export async function placesOnTheWay(path: string, look: Look): Promise<Place[]> {
  const places = new Map<string, Place>();
  let links = 0;
  let done: string[] = [];
  let left = namesOf(path);
  const visit = async (names: readonly string[]): Promise<Place> => {
    const here = `/${names.join("/")}`;
    const place = places.get(here) ?? { path: here, ...(await look(here)) };
    // The file belongs at the end, also if another link had led here before.
    places.delete(here);
    places.set(here, place);
    return place;
  };
  await visit([]);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === "..") {
      done = done.slice(0, -1);
      continue;
    }
    const place = await visit([...done, name]);
    if (place.kind !== "link") {
      done = [...done, name];
      continue;
    }
    if (++links > mostLinks) throw new Error(`${path} leads through more than ${mostLinks} links`);
    const target = place.target ?? "";
    left = [...namesOf(target), ...left];
    if (target.startsWith("/")) done = [];
  }
  return [...places.values()];
}

/**
 * Why somebody else than root and the trusted users could have written a file, or could exchange it: by
 * its own owner or mode, or by those of any place on the way to it. The file comes first.
 */
export function distrustOfPlaces(places: readonly Place[], trusted: readonly TrustedUser[]): Distrust[] {
  const parents = new Set(
    places.filter(({ kind }) => kind !== "directory").map(({ path }) => parentOf(path)),
  );
  return places
    .toReversed()
    .flatMap((place) => [
      ...distrustOfOwner(place, trusted),
      ...distrustOfMode(place, parents.has(place.path)),
    ]);
}

/**
 * The same of a file that is open: in place of the last place on the way, which may have been exchanged since,
 * it is judged itself, by the owner and the mode that the handle tells.
 */
export function distrustOfOpened(
  places: readonly Place[],
  { uid, mode }: Pick<Looked, "uid" | "mode">,
  trusted: readonly TrustedUser[],
): Distrust[] {
  const opened = places.slice(-1).map(({ path }): Place => ({ path, kind: "file", uid, mode }));
  return distrustOfPlaces([...places.slice(0, -1), ...opened], trusted);
}

function distrustOfOwner({ path, kind, uid }: Place, trusted: readonly TrustedUser[]): Distrust[] {
  // Nobody can change a link, only exchange it, which the directory that it lies in decides.
  if (kind === "link") return [];
  if (uid === 0 || trusted.some((one) => one.uid === uid)) return [];
  const others = trusted.filter((one) => one.uid !== 0).map((one) => ` or by ${one.name} (uid ${one.uid})`);
  const noun = kind === "directory" ? "directory" : "file";
  const expected = `a ${noun} owned by root${others.join("")}`;
  return [{ path, expected, found: `the owner uid ${uid}`, remedy: `chown root ${path}` }];
}

function distrustOfMode({ path, kind, mode }: Place, holdsFile: boolean): Distrust[] {
  // The modes of links mean nothing.
  if (kind === "link") return [];
  const shared = mode & (writableByGroup | writableByOthers);
  if (shared === 0) return [];
  // As in /tmp, where a directory in it can be exchanged by its owner alone, who is judged by itself.
  if (kind === "directory" && !holdsFile && (mode & sticky) !== 0) return [];
  const found = `mode ${octal(mode)}`;
  if (kind === "directory") {
    const who = (shared & writableByOthers) === 0 ? "its group" : "others";
    const bits = shared === writableByOthers ? "o-w" : shared === writableByGroup ? "g-w" : "go-w";
    return [
      { path, expected: `a directory that ${who} cannot write`, found, remedy: `chmod ${bits} ${path}` },
    ];
  }
  return [{ path, expected: "a file that only its owner can write", found, remedy: `chmod go-w ${path}` }];
}

/** Octal digits as chmod(1) takes them. */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
