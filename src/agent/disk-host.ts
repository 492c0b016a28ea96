import { planThrowAway } from "../actions/plan-throw-away.ts";
import { withThrowAway } from "../actions/throw-away.ts";
import type { DiskHost } from "../core/directory-ports.ts";
import { BackupError } from "../core/errors.ts";
import { callerAddress } from "../host/caller-address.ts";
import { localDisks } from "../host/directory-disk.ts";
import { hostKeyAlias, publicKeyFor, remoteDisks, sshPlace, waitForLogin } from "../host/directory-ssh.ts";
import { systemProgram } from "../host/system-path.ts";
import { copyFor, type DirectoryGround, type GroundWish } from "./directory-ground.ts";

/** Whom Amazon Linux lets in. */
const user = "ec2-user";

/** Where the disk will be, known before anything is made; `use` does it. */
export interface DiskSite {
  readonly zone: string;
  /** This instance; absent where one is started. */
  readonly instance?: string;
  /** What is started, in words; absent here. */
  readonly starts?: string;
  use<T>(work: (host: DiskHost) => Promise<T>): Promise<T>;
}

/**
 * The host for a disk in a zone: this instance, or one that is started for it and goes again. `programs` are those
 * that it must have beside the usual ones.
 */
export async function diskSite(
  ground: DirectoryGround,
  wish: GroundWish & { readonly zone?: string },
  programs: readonly string[],
  signal: AbortSignal,
): Promise<DiskSite> {
  const { identity, shell, directory, places, deps, flags } = ground;
  if (identity !== undefined) {
    const { instanceId: instance, zone } = identity;
    await needHere(["blkid", "blockdev", "dd", "unshare", "mount", "umount", ...programs]);
    const taken = async (asking: AbortSignal) => (await places.addressOf(instance, asking))?.devices ?? [];
    const host = localDisks(instance, { shell, work: directory.path }, taken);
    return { zone, instance, use: (work) => work(host) };
  }
  await needHere(["ssh", "ssh-keygen"]);
  const from = wish.from ?? (await callerAddress(signal));
  const { aws, ssh } = flags;
  const lifetime = Math.round(copyFor / 60_000) + 120;
  const zone = wish.zone === undefined ? {} : { zone: wish.zone };
  const plan = await planThrowAway(
    { ...zone, flags: aws, port: ssh.port ?? 22, from, lifetime },
    places,
    signal,
  );
  return {
    zone: plan.zone,
    starts: `an instance (${plan.type}, ${plan.image}) in ${plan.subnet}, which ${plan.from} may reach`,
    async use(work) {
      const { publicKey, files } = await publicKeyFor(directory.path, ssh, signal);
      const reach = {
        publicKey,
        name: hostKeyAlias,
        async login(
          machine: {
            readonly instance: string;
            readonly address: string;
            readonly hostKeys: readonly string[];
          },
          asking: AbortSignal,
        ) {
          const way = { work: directory.path, flags: ssh, user, keyFiles: files, ...machine };
          const place = await sshPlace(way);
          const limit = { limit: deps.waits.attachFor, programs, pause: deps.waits.poll * 20 };
          await waitForLogin(place, limit, shell, asking);
          const taken = async (looking: AbortSignal) =>
            (await places.addressOf(machine.instance, looking))?.devices ?? [];
          return remoteDisks(machine.instance, { shell, work: directory.path, place }, taken);
        },
      };
      return withThrowAway(plan, reach, { ...deps, places }, signal, work);
    },
  };
}

async function needHere(programs: readonly string[]): Promise<void> {
  for (const name of programs) {
    if ((await systemProgram(name)) !== undefined) continue;
    throw new BackupError({
      kind: "configuration",
      doing: `find the program ${name}`,
      found: "it is not installed",
      remedy: `install ${packages[name] ?? name}`,
    });
  }
}

const packages: Readonly<Record<string, string>> = {
  ssh: "openssh-client (Amazon Linux: openssh-clients)",
  "ssh-keygen": "openssh-client (Amazon Linux: openssh)",
  "mkfs.ext4": "e2fsprogs",
  "mkfs.xfs": "xfsprogs",
  blkid: "util-linux",
  blockdev: "util-linux",
  unshare: "util-linux",
  dd: "coreutils",
};
