import type { DirectoryOrder } from "./directory.ts";
import { type Fresh, making, mounting, unmounting, whenFree } from "./directory-filesystem.ts";
import type { DirectoryRestore } from "./directory-ports.ts";
import { shellWord } from "./shell-word.ts";

/**
 * The way of the data as shell scripts, so that it goes from program to program and never through us. What came of each
 * stage is reported in lines of a word and a value: on stdout, which scripts that send data have on stderr after `@@`.
 */
export interface DiskPlace {
  /** A shell command that runs a script where the disk is, as root, with its own stdin and stdout. */
  readonly run: (script: string) => string;
  /** What stands before paths there, and what rsync is told of the way. */
  readonly prefix: string;
  readonly rsync: string;
}

/** The disk is here, and who runs the script is root. */
export const here: DiskPlace = { run: (script) => `sh -c ${shellWord(script)}`, prefix: "", rsync: "" };

/** SHA-256 of stdin in the first 64 characters. OpenSSL's takes a quarter of the time where coreutils has one of its own. */
const digest = "if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi";

/**
 * Ends the whole group when whoever started it is gone: descriptor 3 is a pipe that nobody writes to. To root XFS shows
 * access lists as attributes too: rsync, which would remove them as such, is told of none of them.
 */
const opening = `( read -r _; kill -s KILL 0 ) <&3 >/dev/null 2>&1 & watch=$!
exec 3<&- 4>&1
trap 'kill $watch 2>/dev/null' EXIT
[ "$(id -u)" != 0 ] || set -- --filter='-x trusted.SGI_ACL_*' --filter='-x system.*'
`;

export const archiving =
  "--format=posix --sparse --acls --xattrs --xattrs-include='*' --xattrs-exclude='trusted.SGI_ACL_*' --numeric-owner --blocking-factor=128";

function creating({ directory, oneFileSystem }: DirectoryOrder, file: string): string {
  const bound = oneFileSystem ? " --one-file-system" : "";
  return `LC_ALL=C tar --create --file=${file} ${archiving}${bound} --directory=${shellWord(directory)} .`;
}

/** Reports `bytes`, `entries` and how the programs ended. The data is not read: tar leaves that out where nobody wants it. */
export function countScript(order: DirectoryOrder, work: string): string {
  const errors = shellWord(`${work}/count`);
  const bound = order.oneFileSystem ? " -xdev" : "";
  return `${opening}${creating(order, "/dev/null")} --totals 2>${errors}; echo "tar $?"
echo "bytes $(sed -n 's/^Total bytes written: \\([0-9]*\\).*/\\1/p' ${errors})"
grep -v '^Total bytes' ${errors} | head -n 20 >&2
echo "entries $(LC_ALL=C find ${shellWord(order.directory)}${bound} -printf . 2>/dev/null | wc -c)"
`;
}

/** A filter of the user's, which fails if any part of it does. */
function filtering(command: string, report: string): string {
  return `{ bash -o pipefail -c ${shellWord(command)} 4>&-; echo "${report} $?" >&4; }`;
}

/** Reports `tar`, `local`, `sent` (a digest) here and what {@link receiveScript} does there. */
export function archiveScript(order: DirectoryOrder, disk: string, place: DiskPlace, work: string): string {
  const sent = shellWord(`${work}/sent`);
  const sum = shellWord(`${work}/sum`);
  const stages = [
    `{ ${creating(order, "-")}; echo "tar $?" >&4; }`,
    ...(order.local === undefined ? [] : [filtering(order.local, "local")]),
    `tee ${sent}`,
    `{ ${place.run(receiveScript(disk, order.remote))} >&4; echo "place $?" >&4; }`,
  ];
  return `${opening}mkfifo -m 600 ${sent} || exit 1
{ ${digest}; } <${sent} >${sum} & summing=$!
${stages.join(" |\n")}
wait $summing
echo "sent $(cut -c 1-64 ${sum})"
`;
}

/** Bytes that are written and read at a time. */
const block = 4 * 2 ** 20;

/** Writes stdin to the disk and reads that again. Reports `dd`, `bytes`, `read` (a digest), with a filter `remote`, `in` and `out`. */
function receiveScript(disk: string, filter: string | undefined): string {
  const writing = `{ LC_ALL=C dd of="$disk" bs=${block} iflag=fullblock oflag=direct conv=fsync,nocreat 2>"$d/dd"; echo "dd $?" >&4; }`;
  const filtered =
    filter === undefined
      ? writing
      : `mkfifo "$d/in" "$d/out" || exit 1
{ ${digest}; } <"$d/in" >"$d/in.sum" & one=$!
{ ${digest}; } <"$d/out" >"$d/out.sum" & two=$!
tee "$d/in" | ${filtering(filter, "remote")} | tee "$d/out" | ${writing}
wait $one $two
echo "in $(cut -c 1-64 "$d/in.sum")"
echo "out $(cut -c 1-64 "$d/out.sum")"`;
  return `disk=${shellWord(disk)}
[ -b "$disk" ] || { echo "$disk is no disk" >&2; exit 1; }
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
exec 4>&1
${filtered}
grep -v ' records \\(in\\|out\\)$' "$d/dd" | grep -v ' copied, ' >&2
n=$(sed -n 's/^\\([0-9][0-9]*\\) bytes.*/\\1/p' "$d/dd")
[ -n "$n" ] || exit 1
echo "bytes $n"
echo "phase reading it again"
blockdev --flushbufs "$disk"
echo "read $(${reading("$n")} | { ${digest}; } | cut -c 1-64)"
`;
}

/** Reads so many bytes of the disk past its cache. */
function reading(bytes: string): string {
  return `{ n=${bytes}; full=$((n / ${block})); rest=$((n % ${block}));
if [ $full -gt 0 ]; then dd if="$disk" bs=${block} count=$full iflag=direct,fullblock status=none; fi
if [ $rest -gt 0 ]; then dd if="$disk" bs=${block} skip=$full count=1 iflag=direct status=none | head -c $rest; fi; }`;
}

/** Reports `type`, `label`, `parts` and `first`, the number of bytes (0 or 1) that are not zero at the beginning. */
export function lookScript(disk: string): string {
  return `disk=${shellWord(disk)}
[ -b "$disk" ] || { echo "$disk is no disk" >&2; exit 1; }
blockdev --flushbufs "$disk"
echo "type $(blkid -p -o value -s TYPE "$disk" 2>/dev/null)"
echo "label $(blkid -p -o value -s LABEL "$disk" 2>/dev/null)"
echo "parts $(blkid -p -o value -s PTTYPE "$disk" 2>/dev/null)"
dd if="$disk" of=/dev/null bs=${block} count=1 iflag=direct status=none || exit 1
echo "first $(dd if="$disk" bs=${block} count=1 iflag=direct status=none | tr -d '\\0' | head -c 1 | wc -c)"
`;
}

/** Without the window a time of the same second is left as it is, to the second. */
const exact = '-aHAXS --numeric-ids --modify-window=-1 "$@"';
const attributes = `${exact} --delete`;

/**
 * Brings the filesystem up to date; mounts it once more, read-only, and compares all contents. Reports `prepare`,
 * `rsync`, `remount`, `compare`, `differ` (how many) and `which` (some of them).
 */
export function mirrorScript(
  order: DirectoryOrder,
  disk: string,
  fresh: Fresh | undefined,
  place: DiskPlace,
  { work, mount }: { readonly work: string; readonly mount: string },
): string {
  const make = fresh === undefined ? "" : `disk=${shellWord(disk)}\n${making(fresh)}`;
  const prepare = `${whenFree}${make}${mounting(disk, mount, "")}mkdir -p ${shellWord(`${mount}/data`)} || exit 1\n`;
  const remount = `${whenFree}umount ${shellWord(mount)} || exit 1\nblockdev --flushbufs ${shellWord(disk)}\n${mounting(disk, mount, ",ro")}`;
  const bound = order.oneFileSystem ? " -x" : "";
  const from = shellWord(`${order.directory.replace(/\/$/, "")}/`);
  const sync = (more: string) =>
    `rsync ${attributes}${bound}${more}${place.rsync} -- ${from} ${shellWord(`${place.prefix}${mount}/data/`)}`;
  const differences = shellWord(`${work}/differ`);
  return `${opening}${step("prepare", place.run(prepare))}
${sync("")}; s=$?; echo "rsync $s"
case $s in 0|24) ;; *) ${place.run(unmounting(mount))} </dev/null; exit 1;; esac
${step("remount", place.run(remount))}
echo "phase comparing"
${sync(" --dry-run --checksum --itemize-changes")} >${differences}; echo "compare $?"
echo "differ $(wc -l <${differences})"
echo "which $(head -n 3 ${differences} | tr '\\n' ';')"
${place.run(unmounting(mount))} </dev/null; echo "unmount $?"
`;
}

function step(name: string, command: string): string {
  return `${command} </dev/null; s=$?; echo "${name} $s"; [ $s = 0 ] || exit 1`;
}

/** Reports `place`, `local`, `tar` and, of what was read, `read` (a digest). */
export function extractScript(wish: DirectoryRestore, disk: string, place: DiskPlace): string {
  const owner = "--extract --file=- --preserve-permissions --delay-directory-restore";
  const stages = [
    `{ ${place.run(sendScript(wish, disk))} </dev/null; echo "place $?" >&4; }`,
    ...(wish.local === undefined ? [] : [filtering(wish.local, "local")]),
    `{ LC_ALL=C tar ${owner} ${archiving} --directory=${shellWord(wish.to)}; echo "tar $?" >&4; }`,
  ];
  return `${opening}${stages.join(" |\n")}\n`;
}

function sendScript({ bytes, remote }: DirectoryRestore, disk: string): string {
  const all = `dd if="$disk" bs=${block} iflag=direct status=none`;
  const stages = [
    bytes === undefined ? all : reading(String(bytes)),
    'tee "$d/sum"',
    ...(remote === undefined
      ? []
      : [`{ bash -o pipefail -c ${shellWord(remote)}; echo "@@ remote $?" >&2; }`]),
  ];
  return `disk=${shellWord(disk)}
[ -b "$disk" ] || { echo "$disk is no disk" >&2; exit 1; }
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mkfifo "$d/sum" || exit 1
{ ${digest}; } <"$d/sum" >"$d/digest" & summing=$!
blockdev --flushbufs "$disk"
${stages.join(" | ")}
wait $summing
echo "@@ read $(cut -c 1-64 "$d/digest")" >&2
`;
}

/** Reports `prepare`, `rsync`, `compare`, `differ` and `which`. */
export function fetchScript(
  wish: DirectoryRestore,
  disk: string,
  place: DiskPlace,
  { work, mount }: { readonly work: string; readonly mount: string },
): string {
  const to = shellWord(`${wish.to.replace(/\/$/, "")}/`);
  const sync = (more: string) =>
    `rsync ${exact}${more}${place.rsync} -- ${shellWord(`${place.prefix}${mount}/data/`)} ${to}`;
  const differences = shellWord(`${work}/differ`);
  return `${opening}${step("prepare", place.run(`${whenFree}${mounting(disk, mount, ",ro")}`))}
${sync("")}; s=$?; echo "rsync $s"
[ $s = 0 ] || { ${place.run(unmounting(mount))} </dev/null; exit 1; }
${sync(" --dry-run --checksum --itemize-changes")} >${differences}; echo "compare $?"
echo "differ $(wc -l <${differences})"
echo "which $(head -n 3 ${differences} | tr '\\n' ';')"
${place.run(unmounting(mount))} </dev/null; echo "unmount $?"
`;
}
