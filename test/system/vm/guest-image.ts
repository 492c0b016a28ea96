import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** What a virtual machine is started from. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  /** An ext4 image that is never written to. */
  readonly root: string;
}

const suite = "bookworm";
const packages = [
  "linux-image-cloud-amd64",
  "udev",
  "lvm2",
  "mdadm",
  "cryptsetup-bin",
  "xfsprogs",
  "btrfs-progs",
  "fdisk",
  // What trees are made with and looked at.
  "attr",
  "acl",
  "libcap2-bin",
  // What Node.js is linked against.
  "libstdc++6",
];

/** The guest's first process: brings up the devices, runs the payload's program and switches off. */
const init = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/lib/systemd/systemd-udevd --daemon
udevadm trigger
udevadm settle
stty -F /dev/ttyS1 raw -echo
mkdir -p /payload
mount -t ext4 -o ro /dev/vdb /payload
cd /payload
./node --experimental-strip-types --no-warnings test/system/vm/guest.ts > /dev/ttyS1 2>&1
echo "{\\"kind\\":\\"ended\\",\\"code\\":$?}" > /dev/ttyS1
sleep 1
echo o > /proc/sysrq-trigger
sleep 60
`;

/**
 * The guest, made once for each set of packages and kept below the cache directory. Needs root, mmdebstrap(1)
 * and mke2fs(8); takes about a minute the first time.
 */
export function guestImage(): GuestImage {
  const key = createHash("sha256")
    .update([suite, ...packages, init].join("\n"))
    .digest("hex")
    .slice(0, 16);
  const cache = process.env["XDG_CACHE_HOME"] ?? tmpdir();
  const directory = path.join(cache, `ec2-backup-guest-${key}`);
  if (!existsSync(directory)) build(directory);
  return {
    kernel: path.join(directory, "vmlinuz"),
    initrd: path.join(directory, "initrd"),
    root: path.join(directory, "root.img"),
  };
}

/** Made beside its place and renamed, so that what is there is whole. */
function build(directory: string): void {
  mkdirSync(path.dirname(directory), { recursive: true });
  const draft = mkdtempSync(`${directory}-`);
  try {
    const root = path.join(draft, "root");
    const words = ["--variant=minbase", "--mode=root", `--include=${packages.join(",")}`, suite, root];
    execFileSync("mmdebstrap", words, { stdio: ["ignore", "ignore", "pipe"], timeout: 600_000 });
    const boot = path.join(root, "boot");
    for (const [prefix, name] of [
      ["vmlinuz-", "vmlinuz"],
      ["initrd.img-", "initrd"],
    ] as const) {
      const file = readdirSync(boot).find((one) => one.startsWith(prefix));
      if (file === undefined) throw new Error(`the guest has no ${prefix}`);
      copyFileSync(path.join(boot, file), path.join(draft, name));
    }
    const program = path.join(root, "usr", "sbin", "guest-init");
    writeFileSync(program, init);
    chmodSync(program, 0o755);
    filesystemOf(root, path.join(draft, "root.img"), "2G");
    rmSync(root, { recursive: true });
    renameSync(draft, directory);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another test may have made the same meanwhile.
    if (!existsSync(directory)) throw error;
  }
}

/** An ext4 image of a directory. */
export function filesystemOf(directory: string, image: string, size: string): void {
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-O", "^has_journal", "-d", directory, image, size], {
    stdio: ["ignore", "ignore", "pipe"],
  });
}
