import type { DirectoryFilesystem } from "./directory.ts";
import { shellWord } from "./shell-word.ts";

/** Of what rsync keeps up; at most 12 characters, as XFS has it. */
export const filesystemLabel = "ec2backupdir";

/**
 * Shell: a program that wants a disk for itself. One that somebody holds for a moment, as whoever looks at all disks, or
 * a service that was started while it was mounted and has all mounts for itself, is tried again for some seconds.
 * mount(8) of util-linux 2.41 tells what the kernel says: "Can't open blockdev".
 */
export const whenFree = `when_free() {
left=30
until said=$(export LC_ALL=C; "$@" 2>&1); do
case $said in *"mount point busy"* | *"open blockdev"* | *"in use by the system"* | *"resource busy"*) left=$((left - 1)) ;; *) left=0 ;; esac
[ $left -gt 0 ] || { echo "$said" >&2; return 1; }
sleep 0.3
done; }
`;

/** A filesystem that is to be made. */
export interface Fresh {
  readonly filesystem: DirectoryFilesystem;
  readonly bytesPerInode?: number;
}

/** On `$disk`, unless whoever held it meanwhile has written to it; needs {@link whenFree}. */
export function making({ filesystem, bytesPerInode }: Fresh): string {
  const inodes = bytesPerInode === undefined ? "" : ` -i ${bytesPerInode}`;
  const make =
    filesystem === "xfs"
      ? `mkfs.xfs -q -f -L ${filesystemLabel} "$disk"`
      : `mkfs.ext4 -q -F -m 0 -L ${filesystemLabel}${inodes} "$disk"`;
  return `was=$(blkid -p "$disk" 2>/dev/null)
make_it() {
[ "$(blkid -p "$disk" 2>/dev/null)" = "$was" ] || { echo "somebody else has written to $disk: $(blkid -p "$disk")" >&2; return 1; }
${make}
}
when_free make_it || exit 1
`;
}

/**
 * XFS mounts no second filesystem of the same UUID, such as that of a volume made of a snapshot, unless told so. Needs
 * {@link whenFree}.
 */
export function mounting(disk: string, where: string, more: string): string {
  return `disk=${shellWord(disk)}
[ -b "$disk" ] || { echo "$disk is no disk" >&2; exit 1; }
type=$(blkid -p -o value -s TYPE "$disk")
extra=
[ "$type" = xfs ] && extra=,nouuid
mkdir -p ${shellWord(where)} && chmod 700 ${shellWord(where)} || exit 1
when_free mount -t "$type" -o nosuid,nodev${more}$extra "$disk" ${shellWord(where)} || exit 1
`;
}

export function unmounting(mount: string): string {
  return `umount ${shellWord(mount)} && rmdir ${shellWord(mount)}`;
}
