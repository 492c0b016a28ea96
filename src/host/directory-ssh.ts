import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SshFlags } from "../core/directory-flags.ts";
import type { DiskHost } from "../core/directory-ports.ts";
import type { DiskPlace } from "../core/directory-scripts.ts";
import { BackupError } from "../core/errors.ts";
import { shellWord } from "../core/shell-word.ts";
import { askProgram, told } from "./ask-program.ts";
import { codeOf } from "./atomic-file.ts";
import { diskWork } from "./directory-disk.ts";
import { runScript, type ShellGround } from "./directory-shell.ts";

/** Milliseconds for a program that answers from memory. */
const soon = 30_000;

/** How the throw-away instance is called in files of ssh. */
const alias = "volume";

/**
 * The public key that the instance is to let in: that of the user's own where one is named, else of a new one whose
 * private half never leaves the private directory.
 */
export async function publicKeyFor(
  work: string,
  { identities }: SshFlags,
  signal: AbortSignal,
): Promise<{ readonly publicKey: string; readonly files: readonly string[] }> {
  const [own] = identities;
  if (own === undefined) {
    const file = path.join(work, "key");
    const words = ["-q", "-t", "ed25519", "-N", "", "-C", "ec2-backup", "-f", file];
    await told("ssh-keygen", words, { timeout: soon, signal }, "install openssh-client");
    await chmod(file, 0o600);
    return { publicKey: await readFile(`${file}.pub`, "utf8"), files: [file] };
  }
  // A key with a passphrase is in the hands of an agent; its public half lies beside it.
  const derived = await askProgram("ssh-keygen", ["-y", "-P", "", "-f", own], { timeout: soon, signal });
  if (derived.code === 0) return { publicKey: derived.stdout.toString("utf8").trim(), files: identities };
  const beside = await readFile(`${own}.pub`, "utf8").catch((error: unknown) => {
    throw new BackupError({
      kind: "usage",
      doing: `use the key ${own} of EC2_BACKUP_FLAGS_SSH`,
      found: `${derived.said}; ${own}.pub: ${codeOf(error)}`,
    });
  });
  return { publicKey: beside.trim(), files: identities };
}

/** What reaches the instance, and nobody else who says that he is it. */
export interface SshWay {
  readonly work: string;
  readonly address: string;
  readonly flags: SshFlags;
  /** Of the image. */
  readonly user: string;
  readonly keyFiles: readonly string[];
  /** Lines of known_hosts for `alias`. */
  readonly hostKeys: readonly string[];
}

export const hostKeyAlias = alias;

/** Writes the files of ssh, and gives the way. */
export async function sshPlace(way: SshWay): Promise<DiskPlace> {
  const { work, address, flags, keyFiles, hostKeys } = way;
  const user = flags.user ?? way.user;
  const [config, known] = [path.join(work, "ssh_config"), path.join(work, "known_hosts")];
  await writeFile(known, `${hostKeys.join("\n")}\n`, { mode: 0o600 });
  const quoted = (file: string): string => `"${file.replaceAll("%", "%%")}"`;
  const lines = [
    `Host ${alias}`,
    `  HostName ${address}`,
    `  User ${user}`,
    ...(flags.port === undefined ? [] : [`  Port ${flags.port}`]),
    ...keyFiles.map((file) => `  IdentityFile ${quoted(file)}`),
    "  IdentitiesOnly yes",
    `  HostKeyAlias ${alias}`,
    `  UserKnownHostsFile ${quoted(known)}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no",
    "  PasswordAuthentication no",
    "  KbdInteractiveAuthentication no",
    "  BatchMode yes",
    "  ConnectTimeout 15",
    "  ServerAliveInterval 15",
    "  ServerAliveCountMax 8",
    "  LogLevel ERROR",
  ];
  await writeFile(config, `${lines.join("\n")}\n`, { mode: 0o600 });
  const ssh = ["ssh", ...flags.words, "-F", config].map(shellWord).join(" ");
  const root = user === "root" ? "" : "sudo -n ";
  return {
    // ssh hands one text to the shell over there.
    run: (script) => `${ssh} ${alias} ${shellWord(`${root}sh -c ${shellWord(script)}`)}`,
    prefix: `${alias}:`,
    rsync: ` -e ${shellWord(ssh)} --rsync-path=${shellWord(`${root}rsync`)}`,
  };
}

/** What must be there before data is sent. */
const needed = "blkid blockdev dd head mktemp mount sha256sum tee umount";

/** Waits until the instance lets us in and has what is needed; fails closed where its key is another. */
export async function waitForLogin(
  place: DiskPlace,
  wish: { readonly limit: number; readonly programs: readonly string[]; readonly pause: number },
  shell: ShellGround,
  signal: AbortSignal,
): Promise<void> {
  const doing = "log in to the throw-away instance";
  const all = [...needed.split(" "), ...wish.programs].join(" ");
  const asking = `for p in ${all}; do command -v $p >/dev/null || echo "missing $p"; done; echo "in 0"`;
  const script = `exec 3<&-\n${place.run(asking)} </dev/null`;
  const until = performance.now() + wish.limit;
  for (;;) {
    const { reports, said } = await runScript(script, { doing }, shell, signal);
    if (reports.get("in") === "0") {
      const missing = reports.get("missing");
      if (missing === undefined) return;
      throw new BackupError({
        kind: "configuration",
        doing,
        found: `its image has no ${missing}`,
        remedy: "name an image that has it: EC2_BACKUP_FLAGS_AWS='--image-id ami-…'",
      });
    }
    if (/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said))
      throw new BackupError({
        kind: "denied",
        doing,
        found: `who answers has not the key that the console of the instance shows: ${said}`,
        remedy: "somebody may stand between; nothing was sent",
      });
    if (performance.now() >= until)
      throw new BackupError({
        kind: "unreachable",
        doing,
        found: `not within ${wish.limit / 1000} s: ${said}`,
        remedy:
          "see that port 22 of its address can be reached from here, and that --from is the address that it sees",
      });
    await new Promise((resolve) => setTimeout(resolve, wish.pause));
  }
}

/** The throw-away instance has the disk. */
export function remoteDisks(
  instance: string,
  ground: { readonly shell: ShellGround; readonly work: string; readonly place: DiskPlace },
  taken: DiskHost["taken"],
): DiskHost {
  const mount = `/run/ec2-backup-${path.basename(ground.work)}`;
  return {
    instance,
    taken,
    async diskOf({ id, device }, signal) {
      const doing = `find the disk of ${id} on ${instance}`;
      const script = `exec 3<&-\n${ground.place.run(diskScript(id, device))} </dev/null`;
      const { reports, said } = await runScript(script, { doing }, ground.shell, signal);
      const disk = reports.get("disk") ?? "";
      if (/^\/dev\/[\w/-]+$/.test(disk)) return disk;
      throw new BackupError({
        kind: "not-found",
        doing,
        found: said || `no disk says that it is ${id} after 120 s`,
      });
    },
    ...diskWork({ ...ground, mount }, false),
  };
}

/** By the serial number of NVMe; under Xen, where disks have none, by the name of the attachment. */
function diskScript(volume: string, device: string): string {
  const serial = volume.replace("-", "");
  const xen = device.replace(/^\/dev\/(sd|xvd)/, "/dev/xvd");
  return `for i in $(seq 600); do
for l in /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${serial} /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${serial}_1; do
[ -b $l ] && { echo "disk $(readlink -f $l)"; exit 0; }; done
for s in /sys/block/nvme*/device/serial; do
[ "$(tr -d ' ' <$s 2>/dev/null)" = ${serial} ] && { s=\${s#/sys/block/}; echo "disk /dev/\${s%%/*}"; exit 0; }; done
[ -b ${shellWord(xen)} ] && [ ! -e /sys/block/nvme0n1 ] && { echo "disk ${xen}"; exit 0; }
sleep 0.2; done; exit 1`;
}
