import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { nvmeInstanceStores } from "../../src/host/instance-stores.ts";
import { folder } from "./places.ts";

/** A sysfs with block devices of the given models; null has no model, as a device of another kind. */
async function sysfs(devices: Readonly<Record<string, string | null>>): Promise<string> {
  const sys = await folder();
  for (const [name, model] of Object.entries(devices)) {
    const device = path.join(sys, "block", name, "device");
    await mkdir(device, { recursive: true });
    if (model !== null) await writeFile(path.join(device, "model"), model);
  }
  return sys;
}

test("an instance store is known by the model that the kernel read from it, padding and all", async () => {
  const sys = await sysfs({
    nvme0n1: "Amazon Elastic Block Store              \n",
    nvme2n1: "Amazon EC2 NVMe Instance Storage        \n",
    nvme1n1: "Amazon EC2 NVMe Instance Storage\n",
    nvme3n1: null,
    sda: "Amazon EC2 NVMe Instance Storage\n",
    loop0: null,
  });
  expect(await nvmeInstanceStores(sys)).toEqual(["/dev/nvme1n1", "/dev/nvme2n1"]);
});

test("a host without sysfs or without such devices has none", async () => {
  expect(await nvmeInstanceStores(await folder())).toEqual([]);
  expect(await nvmeInstanceStores(await sysfs({ xvda: null }))).toEqual([]);
});
