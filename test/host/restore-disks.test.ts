import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, open, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { FoundFilesystem } from "../../src/core/restore-ports.ts";
import { type RestoreDisks, restoreDisks } from "../../src/host/restore-disks.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed, sh } from "../system/loop-disks.ts";
import { need } from "./places.ts";

const never = new AbortController().signal;
const byId = "/dev/disk/by-id";

interface Bench {
  readonly disks: LoopDisks;
  readonly host: RestoreDisks;
  /** A copy of a disk's file, attached as a volume of its own: its device and the volume's id. */
  clone(file: string): Promise<{ device: string; id: string }>;
  readonly at: (name: string) => string;
}

async function bench(): Promise<Bench> {
  const disks = await LoopDisks.start();
  onTestFinished(() => disks[Symbol.asyncDispose]());
  const at = (name: string): string => path.join(disks.directory, name);
  const host = restoreDisks(at("records"));
  let count = 0;
  const clone = async (file: string): Promise<{ device: string; id: string }> => {
    const copy = `${file}-clone${count++}`;
    await copyFile(file, copy);
    const device = await disks.attach(copy);
    const id = `vol-0${randomBytes(8).toString("hex")}`;
    const link = path.join(byId, `nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`);
    await mkdir(byId, { recursive: true });
    disks.janitor.undo(`rm -f ${link}`);
    await symlink(`../../${path.basename(device)}`, link);
    // Whatever a failed test leaves mounted of it.
    disks.janitor.undo(`findmnt -nro TARGET -S ${device} | while read -r m; do umount "$m"; done`);
    return { device, id };
  };
  return { disks, host, clone, at };
}

async function sumOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

function only(found: readonly FoundFilesystem[]): FoundFilesystem {
  return found.length === 1 && found[0] !== undefined ? found[0] : expect.fail(JSON.stringify(found));
}

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

test.each(["ext4", "xfs", "btrfs"] as const)(
  "a clone of a mounted %s is found by its serial, mounted beside it, not written to, and let go",
  async (filesystem) => {
    const { disks, host, clone, at } = await bench();
    const file = await disks.file("original", 320);
    const original = await disks.attach(file);
    await disks.format(original, filesystem);
    const mounted = await disks.mount(original, "original-mount");
    await writeFile(path.join(mounted, "data"), "one");
    await sh("sync", "-f", mounted);
    // The journal of a filesystem that is in use is dirty: a replay would write.
    const { device, id } = await clone(file);
    await writeFile(path.join(mounted, "data"), "two");
    const before = await sumOf(`${file}-clone0`);
    expect(await host.deviceOf({ id, device: "/dev/sdf" }, 5_000, never)).toBe(device);
    const what = only(await host.filesystems([device], never));
    expect(what).toMatchObject({ path: device, type: filesystem, disks: [device] });
    expect(what.obstacle).toBeUndefined();
    const seen = await host.mount(what, at("a/b"), { writable: false }, never);
    expect(seen).toMatchObject({ where: at("a/b"), writable: false });
    expect((await host.mount(what, at("a/b"), { writable: false }, never)).notes).toEqual([
      "it was mounted already",
    ]);
    await expect(writeFile(at("a/b/data"), "x")).rejects.toMatchObject({ code: "EROFS" });
    expect(await sh("blockdev", "--getro", device)).toBe("1");
    await host.release(device, never);
    expect(await sumOf(`${file}-clone0`)).toBe(before);
    await expect(stat(at("a"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await host.leftovers()).toEqual([]);
    await host.release(device, never);
    await host.unmount(at("a/b"), never);
    await host.mount(what, at("a/b"), { writable: false, replay: true }, never);
    expect(await readFile(at("a/b/data"), "utf8")).toBe("one");
    await host.unmount(at("a/b"), never);
    await host.mount(what, at("w"), { writable: true }, never);
    await writeFile(at("w/data"), "three");
    await host.unmount(at("w"), never);
    expect(await readFile(path.join(mounted, "data"), "utf8")).toBe("two");
  },
  60_000,
);

test("a clone of a mounted btrfs over two volumes is refused until it has a UUID of its own; the original stays as it is", async () => {
  const { disks, host, clone, at } = await bench();
  const files = [await disks.file("one", 256), await disks.file("two", 256)];
  const originals = await Promise.all(files.map((file) => disks.attach(file)));
  await sh("mkfs.btrfs", "-q", "-f", "-d", "single", "-m", "raid1", ...originals);
  await sh("btrfs", "device", "scan", ...originals);
  disks.janitor.undo(`btrfs device scan --forget ${originals.join(" ")} >/dev/null 2>&1`);
  const mounted = await disks.mount(originals[0] ?? "", "original-mount");
  await writeFile(path.join(mounted, "data"), "one");
  await sh("sync", "-f", mounted);
  const clones = [(await clone(files[0] ?? "")).device, (await clone(files[1] ?? "")).device];
  await writeFile(path.join(mounted, "data"), "two");
  // One of its two devices alone is told, and nothing is tried.
  expect(only(await host.filesystems(clones.slice(0, 1), never)).obstacle?.found).toMatch(
    /has 2 devices, of which 1 are here/,
  );
  const twin = only(await host.filesystems(clones, never));
  expect(twin.disks).toEqual(clones);
  expect(twin.obstacle).toMatchObject({ found: expect.stringContaining("has the UUID") });
  await expect(host.mount(twin, at("m"), { writable: false }, never)).rejects.toMatchObject({
    kind: "refused",
  });
  // Also where the disks of the original do not answer: here they are not to be found by their names.
  const dev = at("dev");
  await mkdir(dev);
  await sh("cp", "-a", ...clones, dev);
  const deaf = restoreDisks(at("records"), { dev });
  const alone = clones.map((one) => path.join(dev, path.basename(one)));
  expect(only(await deaf.filesystems(alone, never)).obstacle?.found).toContain("has the UUID");
  expect(await host.separate(clones, never)).toEqual([
    `btrfs ${twin.uuid} on ${clones.join(", ")} got a UUID of its own`,
  ]);
  expect(await host.separate(clones, never)).toEqual([]);
  const own = only(await host.filesystems(clones, never));
  expect(own.obstacle).toBeUndefined();
  expect(own.uuid).not.toBe(twin.uuid);
  expect(await host.holds(own, at("m"), never)).toBe(false);
  await host.mount(own, at("m"), { writable: false }, never);
  expect([own.disks, await host.blanks(clones, never)], "each disk has a part of it").toEqual([clones, []]);
  const held = [await host.holds(own, at("m"), never), await host.holds(own, mounted, never)];
  expect(held, "the one and not its original").toEqual([true, false]);
  expect(await readFile(at("m/data"), "utf8")).toBe("one");
  expect(await readFile(path.join(mounted, "data"), "utf8")).toBe("two");
  // Whichever of its devices is let go, the mount over both goes.
  await host.release(clones[1] ?? "", never);
  await host.release(clones[0] ?? "", never);
  expect(await sh("btrfs", "scrub", "start", "-B", mounted)).toContain("no errors found");
}, 60_000);

test("on a disk with partitions each is told, and those that hold no files say so", async () => {
  const { disks, host, clone, at } = await bench();
  const file = await disks.file("parted", 128);
  await sh("sh", "-c", `printf 'label: gpt\nsize=40M\nsize=20M\nsize=20M\nsize=20M\n' | sfdisk -q ${file}`);
  const original = await disks.attach(file);
  await disks.partitions(original);
  await sh("partx", "--add", original);
  await sh("mkfs.ext4", "-q", "-L", "my files", `${original}p1`);
  await sh("mkswap", `${original}p2`);
  // The first bytes of an encrypted volume.
  await sh("sh", "-c", `printf 'LUKS\\272\\276\\000\\001' | dd of=${original}p3 conv=notrunc status=none`);
  await sh("sync");
  const { device } = await clone(file);
  const found = await host.filesystems([device], never);
  expect(found.map(({ type, partition, label }) => ({ type, partition, label }))).toEqual([
    { type: "ext4", partition: 1, label: "my files" },
    { type: "swap", partition: 2, label: undefined },
    { type: "crypto_LUKS", partition: 3, label: undefined },
  ]);
  expect(found[1]?.obstacle?.found).toMatch(/swap, which holds no files/);
  expect(found[2]?.obstacle?.remedy).toMatch(/^cryptsetup open --readonly /);
  const empty = await disks.attach(await disks.file("empty", 16));
  expect(await host.filesystems([empty], never)).toEqual([]);
  const blanks = [
    { path: empty, disks: [empty] },
    { path: `${device}p4`, partition: 4, disks: [device] },
  ];
  expect(await host.blanks([device, empty], never), "what nothing is on").toEqual(blanks);
  const what = found[0] ?? expect.fail();
  await host.mount(what, at("m"), { writable: false }, never);
  await host.release(device, never);
  await expect(stat(at("m"))).rejects.toMatchObject({ code: "ENOENT" });
}, 60_000);

test("partitions for boot code, swap and the frame of logical ones need not hold anything", async () => {
  const { disks, host } = await bench();
  const told = async (label: string, ...lines: string[]) => {
    const file = await disks.file(label, 64);
    await sh("sh", "-c", `printf 'label: ${label}\n${lines.join("\n")}\n' | sfdisk -q ${file}`);
    const device = await disks.attach(file);
    await disks.partitions(device);
    return (await host.blanks([device], never)).map(({ partition }) => partition);
  };
  const bios = "type=21686148-6449-6E6F-744E-656564454649";
  const swap = "type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";
  expect(await told("gpt", `size=1M, ${bios}`, "size=8M", `size=8M, ${swap}`)).toEqual([2]);
  expect(await told("dos", "size=8M, type=83", "size=20M, type=5", "size=8M, type=82", "size=4M")).toEqual([
    1, 4,
  ]);
}, 60_000);

/** Keeps a file open where nobody can be seen to: on its way through a socket. */
const unseen = `import os, socket, sys, time
a, b = socket.socketpair()
f = os.open(sys.argv[1], os.O_RDONLY)
socket.send_fds(a, [b"x"], [f])
os.close(f)
print("held", flush=True)
time.sleep(1.5)`;

test("a mount that is busy for a moment though nobody uses it is waited for", async () => {
  const { disks, host, at } = await bench();
  const device = await disks.attach(await disks.file("disk", 64));
  await disks.format(device, "ext4");
  await disks.mount(device, "m");
  const holder = spawn("python3", ["-c", unseen, at("m/lost+found")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(holder, "exit");
  await once(holder.stdout, "data");
  await host.unmount(at("m"), never);
  expect((await gone)[0], "it was held until then").toBe(0);
  await expect(stat(at("m/lost+found"))).rejects.toMatchObject({ code: "ENOENT" });
}, 60_000);

test("it is never mounted over something, and who uses a mount is told", async () => {
  const { disks, host, clone, at } = await bench();
  const file = await disks.file("original", 64);
  const original = await disks.attach(file);
  await disks.format(original, "ext4");
  const { device } = await clone(file);
  await disks.mount(original, "taken");
  await mkdir(at("full"));
  await writeFile(at("full/file"), "");
  const what = only(await host.filesystems([device], never));
  for (const [place, found] of [
    ["full", "the directory is not empty"],
    ["taken", `${original} is mounted there`],
    ["full/file", `${at("full/file")} is no directory`],
  ] as const)
    await expect(host.mount(what, at(place), { writable: false }, never)).rejects.toMatchObject({ found });
  await host.mount(what, at("m"), { writable: true }, never);
  const handle = await open(at("m/used"), "w");
  try {
    await expect(host.unmount(at("m"), never)).rejects.toMatchObject({
      kind: "refused",
      found: expect.stringContaining(`(process ${process.pid}, has ${at("m/used")} open)`),
    });
    await expect(host.release(device, never)).rejects.toMatchObject({ kind: "refused" });
  } finally {
    await handle.close();
  }
  // Another process finds what this one left, and undoes that alone.
  const [record = expect.fail("no record")] = await restoreDisks(at("records")).leftovers();
  expect(record).toMatchObject({ where: at("m"), path: device, made: [at("m")] });
  await host.undo(record, never);
  await expect(stat(at("m"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(await host.leftovers()).toEqual([]);
}, 60_000);

test("a disk that is not there is not waited for beyond the deadline, and two that claim to be the same are neither", async () => {
  const { disks, host, clone } = await bench();
  const volume = { id: "vol-0123456789abcdef0", device: "/dev/sdz" };
  await expect(host.deviceOf(volume, 300, never)).rejects.toMatchObject({ kind: "not-found" });
  await expect(host.deviceOf(volume, 10_000, AbortSignal.timeout(200))).rejects.toMatchObject({
    kind: "interrupted",
  });
  const file = await disks.file("original", 16);
  const { device, id } = await clone(file);
  const other = await disks.attach(file);
  const link = path.join(byId, `nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}_1`);
  disks.janitor.undo(`rm -f ${link}`);
  await symlink(`../../${path.basename(other)}`, link);
  await expect(host.deviceOf({ id, device: "/dev/sdz" }, 0, never)).rejects.toMatchObject({
    kind: "refused",
    found: expect.stringContaining(`both say that they are ${id}`),
  });
  const told: number[] = [];
  await host.readAll(device, (read, of) => told.push(read / of), never);
  expect([told[0], told.at(-1)]).toEqual([0, 1]);
});

test("a kernel that does not say in time which disks are here has not said that one is absent", async () => {
  const { disks, at } = await bench();
  const mountinfo = at("mountinfo");
  await sh("mkfifo", mountinfo);
  // Whoever reads waits for somebody who writes.
  disks.janitor.undo(`timeout 1 sh -c ': > ${mountinfo}' 2>/dev/null; true`);
  const host = restoreDisks(at("records"), { mountinfo, lsblkDeadline: 100 });
  const volume = { id: "vol-0123456789abcdef0", device: "/dev/sdz" };
  await expect(host.deviceOf(volume, 0, never)).rejects.toMatchObject({ kind: "unreachable" });
  await sh("sh", "-c", `: > ${mountinfo}`);
});

test("a disk that another mount namespace still has mounted is not let go, and who it is is told", async () => {
  const { disks, host, clone, at } = await bench();
  const file = await disks.file("original", 64);
  const original = await disks.attach(file);
  await disks.format(original, "ext4");
  const { device } = await clone(file);
  const what = only(await host.filesystems([device], never));
  await mkdir(at("m"));
  await host.mount(what, at("m"), { writable: false }, never);
  const other = spawn("unshare", ["--mount", "--propagation", "private", "sleep", "60"], { stdio: "ignore" });
  onTestFinished(() => void other.kill("SIGKILL"));
  await expect.poll(() => readFile(`/proc/${other.pid}/comm`, "utf8"), { timeout: 60_000 }).toBe("sleep\n");
  await expect(host.release(device, never)).rejects.toMatchObject({
    kind: "refused",
    found: expect.stringContaining(`sleep (process ${other.pid}) at ${at("m")}`),
  });
  other.kill("SIGKILL");
  await once(other, "exit");
  await host.release(device, never);
}, 60_000);
