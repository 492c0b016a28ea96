import { execFileSync } from "node:child_process";
import path from "node:path";
import { DirectoryStage } from "../system/directory-stage.ts";
import { loopDisksCan, loopDisksNeed } from "../system/loop-disks.ts";
import { BoundDisks, boundCan, gp3 } from "./disk-speed.ts";
import { makeFiles } from "./file-tree.ts";
import { atLeast } from "./files.ts";
import { median } from "./measure.ts";
import { fixed, printTable } from "./table.ts";

/** At least so much of the throughput of the bare programs, as medians of pairs: of writing, since they verify nothing. */
const goal = 0.9;
/** What is told when all is written, and is read again to compare. */
const verifying = /reading it again|comparing/;

/** Milliseconds of a copy, and of them those until it was written. */
interface Took {
  readonly whole: number;
  readonly written: number;
}

/**
 * Copying a directory onto a volume beside tar, dd and rsync on such a disk by hand, turn by turn: on a disk as quick as
 * the gp3 volume that the command makes, and on one as quick as this machine's.
 */
export async function directory(runs: number): Promise<void> {
  if (!loopDisksCan) {
    console.log(`\nCopying a directory is not measured: it needs ${loopDisksNeed}.`);
    return;
  }
  if (boundCan) await onDisks(runs, gp3);
  else console.log("\nNo disk is as slow as gp3 here: that needs the controller blkio of cgroup v1.");
  await onDisks(runs, 0);
}

/** With disks that move so many MiB a second; 0 = as fast as they are. */
async function onDisks(runs: number, speed: number): Promise<void> {
  // Below that making and attaching the volume weighs more than the data.
  const mib = Number(process.env.BENCH_FILES_MIB ?? 2048);
  using bound = new BoundDisks(speed);
  await using stage = await DirectoryStage.start();
  stage.disks.whenAttached = bound.add;
  const tree = path.join(stage.disks.directory, "tree");
  makeFiles(tree, mib);
  const file = await stage.disks.file("bare", mib * 2);
  const device = await stage.disks.attach(file);
  const mount = path.join(stage.disks.directory, "mounted");
  const tar = `tar --create --file=- --directory=${tree} . | dd of=${device} bs=1M oflag=direct iflag=fullblock conv=fsync status=none`;
  const read = `dd if=${device} bs=1M iflag=direct count=${mib} status=none | sha256sum`;
  const rsync = `mkfs.ext4 -q -F ${device} && mkdir -p ${mount} && mount ${device} ${mount} && rsync -aHAXS ${tree}/ ${mount}/ && umount ${mount}`;
  const contenders: Readonly<Record<string, () => Promise<Took>>> = {
    "tar | dd": () => shell(tar),
    "tar | dd, read again": () => shell(`${tar} && ${read}`),
    "ec2-backup directory -m dd": () => ours(stage, "dd", tree),
    "mkfs, mount, rsync": () => shell(rsync),
    "ec2-backup directory -m rsync": () => ours(stage, "rsync", tree),
  };
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as Took[]]));
  for (let round = 0; round <= runs; round += 1)
    for (const [name, copy] of Object.entries(contenders)) {
      const took = await copy();
      // The first round warms file caches and is not counted.
      if (round > 0) times.get(name)?.push(took);
    }
  const bare: Readonly<Record<string, string>> = {
    "ec2-backup directory -m dd": "tar | dd",
    "ec2-backup directory -m rsync": "mkfs, mount, rsync",
  };
  const shown = (name: string, all: readonly Took[]): string => {
    const beside = times.get(bare[name] ?? name) ?? [];
    const ratio = median(all.map(({ written }, round) => (beside[round]?.whole ?? Number.NaN) / written));
    return bare[name] === undefined ? fixed(1, 2) : atLeast(ratio, goal);
  };
  const disk =
    speed === 0 ? "a loop disk as fast as it is here" : `a loop disk of ${speed} MiB/s, as gp3 has`;
  printTable(
    `A directory of ${mib} MiB onto a new volume, ${disk}; medians of ${runs} rounds, ratios in pairs, without verifying`,
    ["contender", "s", "until written, s", "MiB/s written", "of the bare programs", "then verified, s"],
    [...times].map(([name, all]) => {
      const written = median(all.map((took) => took.written));
      const verified = median(all.map((took) => took.whole - took.written));
      return [
        name,
        fixed(median(all.map(({ whole }) => whole)) / 1000, 1),
        fixed(written / 1000, 1),
        fixed(mib / (written / 1000)),
        shown(name, all),
        verified > 0 ? fixed(verified / 1000, 1) : "",
      ];
    }),
  );
}

function shell(line: string): Promise<Took> {
  const began = performance.now();
  execFileSync("bash", ["-o", "pipefail", "-c", line], { stdio: ["ignore", "ignore", "inherit"] });
  const whole = performance.now() - began;
  return Promise.resolve({ whole, written: whole });
}

async function ours(stage: DirectoryStage, method: string, tree: string): Promise<Took> {
  const began = performance.now();
  let written = Number.NaN;
  const hear = (text: string) => {
    if (Number.isNaN(written) && verifying.test(text)) written = performance.now() - began;
  };
  const words = ["directory", "-m", method, tree];
  const { code, stderr } = await stage.here(words, { env: { EC2_BACKUP_VERBOSE: "1" }, onError: hear });
  if (code !== 0) throw new Error(`the command ended with ${code}: ${stderr}`);
  return { whole: performance.now() - began, written };
}
