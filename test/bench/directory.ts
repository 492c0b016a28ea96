import { execFileSync } from "node:child_process";
import path from "node:path";
import { DirectoryStage } from "../system/directory-stage.ts";
import { loopDisksCan, loopDisksNeed } from "../system/loop-disks.ts";
import { makeFiles } from "./file-tree.ts";
import { atLeast } from "./files.ts";
import { median } from "./measure.ts";
import { fixed, printTable } from "./table.ts";

/** At least so much of the throughput of the bare programs, as medians of pairs. */
const goal = 0.9;

/** Copying a directory onto a volume beside tar, dd and rsync on such a disk by hand, turn by turn. */
export async function directory(runs: number): Promise<void> {
  if (!loopDisksCan) {
    console.log(`\nCopying a directory is not measured: it needs ${loopDisksNeed}.`);
    return;
  }
  const mib = Number(process.env.BENCH_FILES_MIB ?? 1024);
  await using stage = await DirectoryStage.start();
  const tree = path.join(stage.disks.directory, "tree");
  makeFiles(tree, mib);
  const file = await stage.disks.file("bare", mib * 2);
  const device = await stage.disks.attach(file);
  const mount = path.join(stage.disks.directory, "mounted");
  const tar = `tar --create --file=- --directory=${tree} . | dd of=${device} bs=1M oflag=direct iflag=fullblock conv=fsync status=none`;
  const read = `dd if=${device} bs=1M iflag=direct count=${mib} status=none | sha256sum`;
  const rsync = `mkfs.ext4 -q -F ${device} && mkdir -p ${mount} && mount ${device} ${mount} && rsync -aHAXS ${tree}/ ${mount}/ && umount ${mount}`;
  const contenders: Readonly<Record<string, () => Promise<void>>> = {
    "tar | dd": () => shell(tar),
    "tar | dd, read again": () => shell(`${tar} && ${read}`),
    "ec2-backup directory -m dd": () => ours(stage, "dd", tree),
    "mkfs, mount, rsync": () => shell(rsync),
    "ec2-backup directory -m rsync": () => ours(stage, "rsync", tree),
  };
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= runs; round += 1)
    for (const [name, copy] of Object.entries(contenders)) {
      const began = performance.now();
      await copy();
      // The first round warms file caches and is not counted.
      if (round > 0) times.get(name)?.push(performance.now() - began);
    }
  const ratio = (name: string, to: string) =>
    median((times.get(name) ?? []).map((time, round) => (times.get(to)?.[round] ?? Number.NaN) / time));
  const shown = (name: string): string =>
    name === "ec2-backup directory -m dd"
      ? `${atLeast(ratio(name, "tar | dd"), goal)}; ${fixed(ratio(name, "tar | dd, read again"), 2)} of reading again`
      : name === "ec2-backup directory -m rsync"
        ? atLeast(ratio(name, "mkfs, mount, rsync"), goal)
        : "1.00";
  printTable(
    `A directory of ${mib} MiB onto a new volume, which is a loop disk; medians of ${runs} rounds, ratios in pairs`,
    ["contender", "s", "MiB/s", "of the bare programs"],
    [...times].map(([name, all]) => [
      name,
      fixed(median(all) / 1000, 1),
      fixed(mib / (median(all) / 1000)),
      shown(name),
    ]),
  );
}

function shell(line: string): Promise<void> {
  execFileSync("bash", ["-o", "pipefail", "-c", line], { stdio: ["ignore", "ignore", "inherit"] });
  return Promise.resolve();
}

async function ours(stage: DirectoryStage, method: string, tree: string): Promise<void> {
  const { code, stderr } = await stage.here(["directory", "-m", method, tree]);
  if (code !== 0) throw new Error(`the command ended with ${code}: ${stderr}`);
}
