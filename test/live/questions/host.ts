import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { answered, type Question, unasked } from "../question.ts";

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const serial: Question = {
  id: "serial-in-sysfs",
  asks: "is the volume's id, without its dash, the serial of an NVMe disk in /sys?",
  how: "attach a volume, read /sys/class/nvme/*/serial and /sys/block/*/device/serial",
  assumes: "yes, in both places",
  async ask(lab) {
    const volume = (await lab.volume("plain")).replace("-", "");
    const { sys } = lab.options;
    const look = async (folder: string, ...rest: string[]) => {
      const all = await names(path.join(sys, folder));
      const read = all.map(async (name) => {
        const text = await readFile(path.join(sys, folder, name, ...rest), "utf8").catch(() => "");
        return text.trim() === volume ? [name] : [];
      });
      return (await Promise.all(read)).flat();
    };
    if ((await names(path.join(sys, "class/nvme"))).length === 0)
      return unasked("this instance has no NVMe disks (not Nitro)");
    const [controllers = [], disks = []] = (await lab.until(async () => {
      const seen = [await look("class/nvme", "serial"), await look("block", "device", "serial")];
      return seen.every(({ length }) => length > 0) ? seen : undefined;
    })) ?? [await look("class/nvme", "serial"), await look("block", "device", "serial")];
    const evidence = { volume, controllers, disks };
    const holds = controllers.length > 0 && disks.length > 0;
    return answered(holds, `controllers: ${controllers.join(" ")}, disks: ${disks.join(" ")}`, evidence);
  },
};

const link: Question = {
  id: "link-by-id",
  asks: "how are the links of a volume in /dev/disk/by-id called, and do some end in _1?",
  how: "attach a volume, list /dev/disk/by-id",
  assumes: "one is nvme-Amazon_Elastic_Block_Store_vol...; others may end in _1, and are not needed",
  async ask(lab) {
    const volume = (await lab.volume("plain")).replace("-", "");
    const folder = path.join(lab.options.dev, "disk/by-id");
    if ((await names(folder)).length === 0) return unasked(`${folder} is not there`);
    const found = async () => (await names(folder)).filter((name) => name.includes(volume));
    await lab.until(async () => ((await found()).length > 0 ? true : undefined));
    const links = await found();
    const holds = links.includes(`nvme-Amazon_Elastic_Block_Store_${volume}`);
    return answered(holds, links.join(", ") || "none", { links });
  },
};

const partition: Question = {
  id: "partition-in-metadata",
  asks: "does the metadata service tell the partition?",
  how: "GET /latest/meta-data/services/partition",
  assumes: "yes: aws, aws-cn or aws-us-gov; where not, the region's name tells it",
  ask({ identity }) {
    const { partition: found, region } = identity;
    const byName = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
    return Promise.resolve(answered(found === byName, found, { partition: found, region }));
  },
};

export const aboutThisHost: readonly Question[] = [serial, link, partition];
