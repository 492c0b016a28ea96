import type { Tags } from "./instance.ts";
import { replacesTag, rootReplacementTag } from "./root-tag.ts";

/** The tags of a swap. They are the truth about it; what a host remembers only helps. */
export const replaceTags = {
  /** On the new volume, from its making: what it takes the place of, see {@link placeText}. */
  replaces: replacesTag,
  /** On the old volume, before anything is changed: the new volume. */
  replacedBy: "ec2-backup:replaced-by",
  /** On the old volume, written last: the swap came to its end, ISO 8601. */
  replacedAt: "ec2-backup:replaced-at",
  /** On the old volume: what its tag Backup said before. */
  backupWas: "ec2-backup:backup-was",
  /** On a new volume that was taken out again and kept: when, ISO 8601. */
  undoneAt: "ec2-backup:restore-undone-at",
  /** On a root volume that EC2 has exchanged: the replacement that it came by. */
  rootOf: "ec2-backup:restore-root-of",
  /** On an instance whose root volume is being replaced, see {@link RootMark}. */
  root: rootReplacementTag,
} as const;

/** Keeps a volume out of every backup, see the Backup tag. */
export const backupTag = "Backup";

/** How the old volume was attached: AttachVolume always sets DeleteOnTermination to false. */
export interface OldPlace {
  readonly old: string;
  readonly device: string;
  readonly deleteOnTermination: boolean;
}

/** `vol-0123 dev=/dev/sdf dot=1` */
export function placeText({ old, device, deleteOnTermination }: OldPlace): string {
  return `${old} dev=${device} dot=${deleteOnTermination ? 1 : 0}`;
}

/** Reads what {@link placeText} wrote; absent where it is nothing of the kind. */
export function placeIn(text: string | undefined): OldPlace | undefined {
  const found = /^(vol-[0-9a-f]+) dev=(\S+) dot=([01])$/.exec(text ?? "");
  const [, old, device, dot] = found ?? [];
  if (old === undefined || device === undefined) return undefined;
  return { old, device, deleteOnTermination: dot === "1" };
}

/** A root replacement that was ordered, as the instance's tag has it. */
export interface RootMark {
  /** `task`: EC2 replaces it; `stop`: it is done from outside while the instance is stopped. */
  readonly by: "task" | "stop";
  /** The replacement; of a task its ClientToken. */
  readonly id: string;
  /** Of `task`: the replacement. */
  readonly plan?: string;
  readonly point: string;
  readonly old: string;
  /** Of `task`: the snapshot. */
  readonly snapshot?: string;
  /** Of `task`: when it was ordered. */
  readonly at?: Date;
  /** Of `stop`: whether the instance ran, and is to run again. */
  readonly ran?: boolean;
}

/** The words of the tag; at most 256 characters, since ids have bounds. */
export function rootMarkText(mark: RootMark): string {
  const words = [
    `by=${mark.by}`,
    `id=${mark.id}`,
    `point=${mark.point.slice(0, 64)}`,
    `old=${mark.old}`,
    ...(mark.plan === undefined ? [] : [`plan=${mark.plan}`]),
    ...(mark.snapshot === undefined ? [] : [`snap=${mark.snapshot}`]),
    ...(mark.at === undefined ? [] : [`at=${mark.at.toISOString()}`]),
    ...(mark.ran === undefined ? [] : [`ran=${mark.ran ? 1 : 0}`]),
  ];
  return words.join(" ");
}

/** Reads the tag of an instance; absent where it has none, `unreadable` where it is not of ours. */
export function rootMarkIn(tags: Tags): RootMark | "unreadable" | undefined {
  const text = tags[replaceTags.root];
  if (text === undefined) return undefined;
  const words = new Map(
    text.split(" ").map((word) => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)] as const;
    }),
  );
  const [by, id, old, point] = ["by", "id", "old", "point"].map((key) => words.get(key));
  if ((by !== "task" && by !== "stop") || !id || !old) return "unreadable";
  const snapshot = words.get("snap");
  const plan = words.get("plan");
  const at = new Date(words.get("at") ?? "");
  const ran = words.get("ran");
  return {
    by,
    id,
    point: point ?? "",
    old,
    ...(plan === undefined ? {} : { plan }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(Number.isNaN(at.getTime()) ? {} : { at }),
    ...(ran === undefined ? {} : { ran: ran === "1" }),
  };
}
