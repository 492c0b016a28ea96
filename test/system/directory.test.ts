import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { need } from "../host/places.ts";
import { DirectoryStage, unsaid } from "./directory-stage.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

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
      const first = await stage[side](
        ["directory", "-m", method, source],
        side === "here" ? {} : { env: unsaid },
      );
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
      await change(source);
      const again = await stage[side](["directory", "-m", method, "-v", volume, source]);
      expect([again.code, again.stderr]).toEqual([0, ""]);
      expect(again.stdout).toBe(first.stdout);
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
