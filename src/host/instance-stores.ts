import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/**
 * NVMe instance-store devices, by the model that the kernel reads from them: the metadata does not
 * list them. `sys` is where sysfs is mounted.
 */
export async function nvmeInstanceStores(sys: string): Promise<string[]> {
  const block = path.join(sys, "block");
  const names = await readdir(block).catch(() => []);
  const devices = await Promise.all(
    names
      .filter((name) => name.startsWith("nvme"))
      .map(async (name) => {
        const model = await readFile(path.join(block, name, "device", "model"), "utf8").catch(() => "");
        return model.trim() === "Amazon EC2 NVMe Instance Storage" ? [`/dev/${name}`] : [];
      }),
  );
  return devices.flat().sort();
}
