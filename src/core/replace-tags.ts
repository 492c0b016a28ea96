import type { Tags } from "./instance.ts";
import { replacesTag, rootReplacementTag } from "./root-tag.ts";

/** The tags of a swap. They are the truth about it; what a host remembers only helps. */
export const replaceTags = {
  /** On the new volume, from its making: what it takes the place of, see {@link placeText}. */
  replaces: replacesTag,
  /** On the old volume, before anything is changed: the new volume. */
  replacedBy: "ec2-backup:replaced-by",
  /** On the old volume, with {@link replaceTags.replacedBy}: the replacement and the place, see {@link swapText}. */
  replacedIn: "ec2-backup:replaced-in",
  /** On the old volume, written last: the swap came to its end, ISO 8601. */
  replacedAt: "ec2-backup:replaced-at",
  /** On the old volume: what its tag Backup said before. */
  backupWas: "ec2-backup:backup-was",
  /**
   * On the new volume, before it is attached: when, ISO 8601. From then on it may hold what is nowhere else, and we
   * never delete it.
   */
  usedAt: "ec2-backup:restore-used-at",
  /** On the new volumes of a finished swap, before it is taken back: when, ISO 8601. It is unfinished from then on. */
  undoBegunAt: "ec2-backup:restore-undo-begun-at",
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

/** A swap as its old volume tells it, so that it is found also where the new volume is gone. */
export interface OldMark extends Omit<OldPlace, "old"> {
  /** The replacement. */
  readonly id: string;
  readonly instance: string;
}

/** `restore-0123 on=i-0123 dev=/dev/sdf dot=1` */
export function swapText({ id, instance, device, deleteOnTermination }: OldMark): string {
  return `${id} on=${instance} dev=${device} dot=${deleteOnTermination ? 1 : 0}`;
}

/** Reads what {@link swapText} wrote; absent where it is nothing of the kind. */
export function swapIn(text: string | undefined): OldMark | undefined {
  const found = /^(\S+) on=(i-[0-9a-f]+) dev=(\S+) dot=([01])$/.exec(text ?? "");
  const [, id, instance, device, dot] = found ?? [];
  if (id === undefined || instance === undefined || device === undefined) return undefined;
  return { id, instance, device, deleteOnTermination: dot === "1" };
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
