import { BackupError } from "./errors.ts";
import type { Tags } from "./instance.ts";

/** How a directory comes onto a volume: a tar archive on the raw disk, or a filesystem that rsync keeps up. */
export type DirectoryMethod = "dd" | "rsync";

/** The filesystems that are made for rsync. */
export const directoryFilesystems = ["ext4", "xfs"] as const;
export type DirectoryFilesystem = (typeof directoryFilesystems)[number];

/** What is copied, and how. */
export interface DirectoryOrder {
  /** Absolute. */
  readonly directory: string;
  readonly method: DirectoryMethod;
  /** Other filesystems below the directory are left out. */
  readonly oneFileSystem: boolean;
  /** Shell commands that the archive goes through: here before it is sent, and there before it is written. */
  readonly local?: string;
  readonly remote?: string;
  /** Of a new one. */
  readonly filesystem: DirectoryFilesystem;
}

/** What a directory was counted to hold. */
export interface DirectoryCount {
  /** Of its archive before any filter. */
  readonly bytes: number;
  /** Files, directories and all else, hard links each by itself. */
  readonly entries: number;
}

/** A volume of a directory tells by its tags what it holds. */
export const directoryTags = {
  /** The method; what has it was made by us. */
  method: "ec2-backup:directory",
  /** `new`, `writing`, `complete`, `partial`. */
  state: "ec2-backup:directory-state",
  path: "ec2-backup:directory-path",
  host: "ec2-backup:directory-host",
  captured: "ec2-backup:directory-captured",
  /** Of what lies on the raw disk. */
  bytes: "ec2-backup:directory-bytes",
  sha256: "ec2-backup:directory-sha256",
  /** `local`, `remote` or both: which filters it went through. Never the command, which may hold a secret. */
  filters: "ec2-backup:directory-filters",
  version: "ec2-backup:version",
} as const;

/** What was made for a copy from outside EC2 carries these, so that what is left of it can be found. */
export const directoryWorkTags = {
  /** Id of the invocation. */
  work: "ec2-backup:directory-work",
  /** Until when it is in use, ISO 8601. It is renewed while it is. */
  lease: "ec2-backup:directory-lease",
} as const;

export type DirectoryState = "new" | "writing" | "complete" | "partial";

/** What the tags of a volume say of a directory on it. */
export interface DirectoryContent {
  readonly method: DirectoryMethod;
  readonly state: DirectoryState;
  readonly path?: string;
  readonly host?: string;
  readonly captured?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly filters: readonly ("local" | "remote")[];
}

/** Reads the tags of a volume; absent where it is none of a directory. */
export function contentOf(tags: Tags): DirectoryContent | undefined {
  const method = tags[directoryTags.method];
  if (method !== "dd" && method !== "rsync") return undefined;
  const states: readonly string[] = ["new", "writing", "complete", "partial"];
  const state = tags[directoryTags.state] ?? "";
  const bytes = Number(tags[directoryTags.bytes] ?? Number.NaN);
  const sha256 = tags[directoryTags.sha256] ?? "";
  const filters = (tags[directoryTags.filters] ?? "").split(" ");
  return {
    method,
    // What says nothing that is known is not believed to be whole.
    state: states.includes(state) ? (state as DirectoryState) : "partial",
    ...text("path", tags[directoryTags.path]),
    ...text("host", tags[directoryTags.host]),
    ...text("captured", tags[directoryTags.captured]),
    ...(Number.isSafeInteger(bytes) && bytes >= 0 ? { bytes } : {}),
    ...(/^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
    filters: (["local", "remote"] as const).filter((one) => filters.includes(one)),
  };
}

function text<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined || value === "" ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

/** The tags that a volume gets before anything is written to it. */
export function tagsBefore(
  order: DirectoryOrder,
  {
    host,
    version,
    state,
  }: { readonly host: string; readonly version: string; readonly state: DirectoryState },
): Tags {
  const filters = [
    ...(order.local === undefined ? [] : ["local"]),
    ...(order.remote === undefined ? [] : ["remote"]),
  ];
  return {
    [directoryTags.method]: order.method,
    [directoryTags.state]: state,
    [directoryTags.path]: tagText(order.directory).slice(-256),
    [directoryTags.host]: tagText(host).slice(0, 256),
    [directoryTags.filters]: filters.join(" ") || "none",
    [directoryTags.version]: version,
    // What an earlier copy said holds no longer.
    [directoryTags.captured]: "none",
    [directoryTags.bytes]: "none",
    [directoryTags.sha256]: "none",
  };
}

/** A text in the signs that tags of all services take; others are written as in addresses of the web. */
export function tagText(text: string): string {
  return text.replace(/[^\p{L}\p{N} _.:/=+@-]/gu, (sign) =>
    /\p{Cs}/u.test(sign) ? "%3F" : encodeURIComponent(sign).replace(/[^\w%]/g, "_"),
  );
}

const gib = 2 ** 30;

/** What a file of a filesystem takes beside its data: its rest of a block and its inode. */
const perEntry = 4096 + 512;

/** Bytes that a copy takes at least. */
export function bytesNeeded(method: DirectoryMethod, { bytes, entries }: DirectoryCount): number {
  return method === "dd" ? bytes : bytes + entries * perEntry;
}

/** The largest that gp3 volumes are, in GiB (EBS user guide, "General Purpose SSD volumes": 64 TiB). */
const largest = 65_536;

/** GiB of a new volume: twice what the data takes. */
export function sizeOfNew(method: DirectoryMethod, count: DirectoryCount, directory: string): number {
  const size = Math.max(1, Math.ceil((2 * bytesNeeded(method, count)) / gib));
  if (size <= largest) return size;
  throw new BackupError({
    kind: "refused",
    doing: `make a volume for ${directory}`,
    found: `twice its data are ${size} GiB, and a volume has ${largest} GiB at most`,
    remedy: "back up its parts, each onto a volume of its own",
  });
}

/** Bytes of inode for each, where the usual ones would not do for so many files. */
export function bytesPerInode(sizeGiB: number, entries: number): number | undefined {
  const usual = 16_384;
  const fitting = (sizeGiB * gib) / Math.max(1, 2 * entries);
  return fitting >= usual ? undefined : Math.max(4_096, Math.floor(fitting / 1024) * 1024);
}
