import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { need } from "../host/places.ts";
import { addressService } from "./address-service.ts";
import type { Ended } from "./bench.ts";
import { DirectoryStage, unsaid } from "./directory-stage.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { withoutDisks } from "./mount-namespace.ts";

async function tree(stage: DirectoryStage): Promise<string> {
  const source = await stage.folder("source");
  makeOddTree(source);
  return source;
}

/** Changes of every kind: new, gone, longer, renamed, another kind. */
async function change(source: string): Promise<void> {
  const tree = path.join(source, "tree");
  await writeFile(path.join(tree, "new file"), "new\n");
  await mkdir(path.join(tree, "new directory"));
  await symlink("new file", path.join(tree, "new directory", "link"));
  await writeFile(path.join(tree, "sub", "data"), Buffer.alloc(400_000, 7));
  await rm(path.join(tree, "-dash"));
  await rename(path.join(tree, "sub", "deeper"), path.join(tree, "deeper"));
}

/** Copies from outside of EC2, to which nobody says which address it comes from; what comes in is asserted. */
async function asksForItsAddress(stage: DirectoryStage, words: readonly string[]): Promise<Ended> {
  await using service = await addressService("203.0.113.9");
  const ended = await stage.here(words, { env: { ...stage.outside, ...unsaid, ...service.env } });
  expect(ended.code, ended.stderr).toBe(0);
  expectOnlyOpenTo(stage, "203.0.113.9/32");
  return ended;
}

/** The instance was let in by its one group alone, and that by its one rule. */
function expectOnlyOpenTo(stage: DirectoryStage, cidr: string, since = 0): void {
  const calls = stage.bench.simulator.control.calls(since);
  const asked = (action: string) =>
    calls.filter((call) => call.action === action).map(({ parameters }) => parameters);
  const [launch] = asked("RunInstances") as { SecurityGroupId: string[] }[];
  const rule = {
    IpProtocol: "tcp",
    FromPort: stage.port,
    ToPort: stage.port,
    IpRanges: [{ CidrIp: cidr }],
  };
  expect(launch?.SecurityGroupId).toHaveLength(1);
  expect(asked("AuthorizeSecurityGroupIngress")).toEqual([
    { GroupId: launch?.SecurityGroupId[0], IpPermissions: [rule] },
  ]);
}

/** Copies from outside of EC2 as the environment says: with a key, an address, a type and a subnet of the user's. */
async function asItIsTold(
  stage: DirectoryStage,
  words: readonly string[],
  more: Readonly<Record<string, string>>,
): Promise<Ended> {
  const key = path.join(await stage.folder("keys"), "own key");
  await sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
  const [subnet] = Object.keys((await stage.world()).subnets);
  const since = stage.bench.simulator.control.calls().at(-1)?.number ?? 0;
  const ended = await stage.elsewhere(words, {
    env: {
      ...more,
      AWS_BACKUP_INSTANCE_TYPE: "c7i.large",
      EC2_BACKUP_FLAGS_AWS: `--subnet-id ${subnet}`,
      EC2_BACKUP_FLAGS_SSH: `${stage.outside["EC2_BACKUP_FLAGS_SSH"]} -i '${key}' -o BindAddress=127.0.0.9`,
    },
  });
  expect(ended.code, ended.stderr).toBe(0);
  const calls = stage.bench.simulator.control.calls(since);
  const launches = calls.filter(({ action }) => action === "RunInstances");
  expect(launches.map(({ parameters }) => parameters)).toMatchObject([
    { InstanceType: "c7i.large", SubnetId: subnet },
  ]);
  const [, print] = (await sh("ssh-keygen", "-l", "-f", key)).split(" ");
  const accepted = (await stage.logins()).split("\n").filter((line) => line.includes(`${print}`));
  expect(accepted).not.toEqual([]);
  for (const line of accepted) expect(line).toContain("Accepted publickey for root from 127.0.0.9 port");
  expectOnlyOpenTo(stage, "127.0.0.1/32", since);
  return ended;
}

/** Each of these is told, in this order, and all that is told is told by the agent. */
function expectProgress(stderr: string, steps: readonly string[]): void {
  const lines = stderr.trimEnd().split("\n");
  expect(lines.filter((line) => !line.startsWith("ec2-backup: "))).toEqual([]);
  const found = steps.map((step) => lines.findIndex((line) => line.startsWith(`ec2-backup: ${step}`)));
  expect(found, stderr).not.toContain(-1);
  expect(found, stderr).toEqual(found.toSorted((a, b) => a - b));
}

/** What a volume of rsync holds beside directories: path, and inode and time of the last change of that. */
async function filesOn(stage: DirectoryStage, volume: string): Promise<readonly string[]> {
  const disk = path.join(stage.disks.directory, "volumes", `${volume}.img`);
  const look = 'mount -o ro,loop "$1" /mnt && cd /mnt/data/tree && find ! -type d -printf "%p|%i %C@\\0"';
  return (await sh("unshare", "-m", "sh", "-c", look, "sh", disk)).split("\0").filter((line) => line !== "");
}

/** Only what has changed in the directory was written to. */
function expectOnlyChanged(before: readonly string[], after: readonly string[]): void {
  const same = new Set(before);
  const written = after.filter((line) => !same.has(line)).map((line) => line.replace(/\|.*/, ""));
  expect(written.toSorted()).toEqual(["./deeper/file", "./new directory/link", "./new file", "./sub/data"]);
  expect(after.length - written.length).toBeGreaterThan(10);
}

beforeEach((context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, oddTreeCan, oddTreeNeed);
  need(context, ["sshd", "ssh", "rsync", "openssl"].every(isInstalled), "sshd, ssh, rsync and openssl");
});

const id = /^vol-[0-9a-f]{17}\n$/;

describe.each(["here", "elsewhere"] as const)("a directory goes onto a volume, %s", (side) => {
  test.each(["dd", "rsync"])(
    "by %s, twice, and comes back as it was",
    async (method) => {
      await using stage = await DirectoryStage.start();
      const source = await tree(stage);
      const words = ["directory", "-m", method, source];
      const first = side === "here" ? await stage.here(words) : await asksForItsAddress(stage, words);
      expect([first.code, first.stderr]).toEqual([0, ""]);
      expect(first.stdout).toMatch(id);
      const volume = first.stdout.trim();
      const [made] = await stage.volumes();
      expect(made).toMatchObject({ id: volume, size: 1, attachments: [] });
      expect(made?.tags).toMatchObject({
        "ec2-backup:directory": method,
        "ec2-backup:directory-state": "complete",
        "ec2-backup:directory-path": source,
      });
      await stage.expectClean("after the first");
      const written = method === "rsync" ? await filesOn(stage, volume) : [];
      await change(source);
      const onto = ["directory", "-m", method, "-v", volume, source];
      const told = { EC2_BACKUP_VERBOSE: "1" };
      const again =
        side === "here" ? await stage.here(onto, { env: told }) : await asItIsTold(stage, onto, told);
      expect(again.code, again.stderr).toBe(0);
      expect(again.stdout).toBe(first.stdout);
      expectProgress(again.stderr, [
        `${source} has `,
        `attaching ${volume} to i-`,
        `${method === "dd" ? "archiving" : "copying"} ${source}`,
        `detaching ${volume}`,
      ]);
      if (method === "rsync") expectOnlyChanged(written, await filesOn(stage, volume));
      const back = path.join(stage.disks.directory, "back");
      const shown = await stage[side](["restore", "directory", volume, "--to", back, "--dry-run"]);
      expect([shown.code, shown.stderr, existsSync(back)]).toEqual([0, "", false]);
      expect(shown.stdout).toMatch(new RegExp(`^what ${volume} .* would be brought back to ${back}\n`));
      await stage.expectClean("after a plan");
      const restored = await stage[side](["restore", "directory", volume, "--to", back]);
      expect([restored.code, restored.stderr], restored.stdout).toEqual([0, ""]);
      expect(restored.stdout).toContain("and is compared with it");
      expect(everythingOf(back)).toBe(everythingOf(source));
      await stage.expectClean("after the restore");
    },
    100_000,
  );

  test("through filters, and only who undoes them has it back", async () => {
    await using stage = await DirectoryStage.start();
    const source = await tree(stage);
    const secret = "openssl enc -aes-256-ctr -pbkdf2 -pass pass:k";
    const filters = ["-l", "gzip -1", "-r", secret];
    const { code, stdout, stderr } = await stage[side](["directory", ...filters, source]);
    expect([code, stderr]).toEqual([0, ""]);
    const volume = stdout.trim();
    // The commands may hold secrets.
    expect(JSON.stringify(await stage.volumes())).not.toContain("openssl");
    const back = path.join(stage.disks.directory, "back");
    const restore = ["restore", "directory", volume, "--to", back];
    const without = await stage[side](restore);
    expect([without.code, without.stderr]).toEqual([
      64,
      expect.stringContaining("it was written through a local and a remote filter"),
    ]);
    const wrong = await stage[side]([...restore, "-l", "cat", "-r", "cat"]);
    expect(wrong.code, wrong.stderr).toBe(2);
    await rm(back, { recursive: true });
    const right = await stage[side]([...restore, "-l", "gzip -d", "-r", `${secret} -d`]);
    expect([right.code, right.stderr]).toEqual([0, ""]);
    expect(everythingOf(back)).toBe(everythingOf(source));
    const broken = await stage[side](["directory", "-v", volume, "-l", "false | cat", source]);
    expect([broken.code, broken.stdout]).toEqual([2, ""]);
    expect(broken.stderr).toContain("the local filter ended with 1");
    expect(broken.stderr).toContain(`${volume} is left, and what it holds is not whole`);
    expect(broken.stderr).toContain(`write to it again by -v ${volume}\n`);
    await stage.expectClean();
  }, 240_000);
});

test("a filesystem of another kind is kept up as well, in an account that encrypts each new volume", async () => {
  await using stage = await DirectoryStage.start({ world: { ebsEncryption: { byDefault: true } } });
  const source = await tree(stage);
  const words = ["directory", "-m", "rsync", "--filesystem", "xfs"];
  const first = await stage.here([...words, source]);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const volume = first.stdout.trim();
  const [made] = await stage.volumes();
  const disk = path.join(stage.disks.directory, "volumes", `${volume}.img`);
  expect(await sh("blkid", "-p", "-o", "value", "-s", "TYPE", disk)).toBe("xfs");
  expect(made).toMatchObject({ id: volume, encrypted: true });
  await change(source);
  // What it was made with is known by what it holds.
  const again = await stage.here(["directory", "-m", "rsync", "-v", volume, source]);
  expect([again.code, again.stderr]).toEqual([0, ""]);
  const back = path.join(stage.disks.directory, "back");
  const restored = await stage.here(["restore", "directory", volume, "--to", back]);
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  expect(everythingOf(back)).toBe(everythingOf(source));
  await stage.expectClean();
}, 100_000);

test("somebody on the other instance who holds the disk for a moment is waited for", async () => {
  await using stage = await DirectoryStage.start();
  const source = await stage.folder("source");
  await writeFile(path.join(source, "file"), "content\n");
  // As services have all mounts for themselves that are started meanwhile.
  const others = 'for i in $(seq 300); do unshare -m sh -c "$0" & sleep 0.3; done';
  const hold = `${withoutDisks("/run/ec2-backup-")}; sleep 0.8`;
  const holders = spawn("sh", ["-c", others, hold], { detached: true, stdio: "ignore" });
  stage.disks.janitor.undo(`kill -9 -${holders.pid} 2>/dev/null`);
  const ended = await stage.elsewhere(["directory", "-m", "rsync", source]);
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  await stage.expectClean();
}, 100_000);

test("a copy from under which a filesystem was unmounted is there, and not said to be whole", async () => {
  await using stage = await DirectoryStage.start();
  const source = await stage.folder("source");
  const nested = path.join(source, "nested");
  await mkdir(nested);
  await sh("mount", "-t", "tmpfs", "tmpfs", nested);
  stage.disks.janitor.undo(`umount ${nested} 2>/dev/null; true`);
  await writeFile(path.join(nested, "file"), "content\n");
  const ended = await stage.here(["directory", "-l", `cat; umount ${nested}`, source]);
  expect([ended.code, ended.stdout], ended.stderr).toEqual([1, expect.stringMatching(id)]);
  expect(ended.stderr).toContain(`${nested} was unmounted while the directory was copied`);
  const [made] = await stage.volumes();
  expect(made?.tags).toMatchObject({ "ec2-backup:directory-state": "partial" });
  await stage.expectClean();
}, 100_000);

test("what a volume holds that is not of this command is given up only by force", async () => {
  await using stage = await DirectoryStage.start();
  const source = await tree(stage);
  const first = await stage.here(["directory", "-m", "rsync", source]);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const volume = first.stdout.trim();
  const wrong = await stage.here(["directory", "-v", volume, source]);
  expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toContain("it holds a directory by -m rsync, and -m dd is asked for");
  // Without its tags it is as any other's.
  const [made] = await stage.volumes();
  const tags = Object.fromEntries(Object.keys(made?.tags ?? {}).map((key) => [key, null]));
  await stage.bench.simulator.control.volumes({ change: { volume, tags } });
  const foreign = await stage.here(["directory", "-v", volume, source]);
  expect([foreign.code, foreign.stdout]).toEqual([2, ""]);
  expect(foreign.stderr).toContain("it holds a filesystem (ext4) that is not of this command");
  await stage.expectClean("after the refusal");
  const forced = await stage.here(["directory", "-v", volume, "--force", source]);
  expect([forced.code, forced.stderr, forced.stdout.trim()]).toEqual([0, "", volume]);
  await stage.expectClean();
}, 240_000);
