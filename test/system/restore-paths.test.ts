import { lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { everythingOf, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { need } from "../host/places.ts";
import { agent } from "./bench.ts";
import type { BlockBench } from "./block-bench.ts";
import { FilesStage } from "./files-stage.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

const soak = process.env["SOAK"] !== undefined;
const can = loopDisksCan && oddTreeCan;
let stage: FilesStage;
let before = "";

/** A btrfs over two disks, and a partition. */
async function moreDisks(block: BlockBench): Promise<void> {
  const { disks } = block;
  const pair = [
    await block.unmountedDisk("pair1", "ext4", 128),
    await block.unmountedDisk("pair2", "ext4", 128),
  ];
  const devices = pair.map(({ device }) => device);
  await sh("mkfs.btrfs", "-q", "-f", "-d", "raid0", "-m", "raid1", ...devices);
  await sh("btrfs", "device", "scan", ...devices);
  disks.janitor.undo(`btrfs device scan --forget ${devices.join(" ")} >/dev/null 2>&1`);
  const both = await disks.mount(devices[0] ?? "", "pair");
  await sh("btrfs", "-q", "subvolume", "create", path.join(both, "inner"));
  await writeFile(path.join(both, "inner/file"), "on two disks\n");
  await sh("sync", "-f", both);
  const { device } = await block.unmountedDisk("parted", "ext4", 32);
  await sh("wipefs", "-aq", device);
  await sh("sh", "-c", `printf 'label: gpt\\n,4M\\n,\\n' | sfdisk -q --no-reread ${device}`);
  await disks.partitions(device);
  await sh("partx", "--add", device);
  await disks.format(`${device}p2`, "ext4");
  const part = await disks.mount(`${device}p2`, "part");
  await writeFile(path.join(part, "file"), "on a partition\n");
  await sh("sync", "-f", part);
}

beforeAll(async () => {
  if (!can) return;
  stage = await FilesStage.start(moreDisks, async (data) => {
    await sh("dd", "if=/dev/urandom", `of=${data}/big`, "bs=1M", "count=12", "status=none");
  });
  before = everythingOf(stage.data);
  await sh("rm", "-r", path.join(stage.data, "tree/sub"));
}, 120_000);

afterAll(async () => {
  if (can) await stage[Symbol.asyncDispose]();
}, 60_000);

beforeEach((context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, oddTreeCan, oddTreeNeed);
});

const at = (name: string) => path.join(stage.block.disks.directory, name);
const calls = (action: string) =>
  stage.bench.simulator.control.calls().filter((call) => call.action === action).length;

test("a tree is listed and comes back beside the original as it was; nothing stays of the copies", async () => {
  const { data } = stage;
  const planned = await stage.run(["file", `${data}/tree`, "--dry-run"]);
  expect([planned.code, calls("CreateVolume")], planned.stdout).toEqual([0, 0]);
  expect(planned.stdout).toContain(`because  ${data} rests on it now`);
  const listed = await stage.run(["ls", `${data}/tree`]);
  expect(listed.stdout).toMatch(/^-rw-r--r-- 3 1234 4321 +4 1999-12-31 23:59 a$/m);
  expect(listed.stdout).toContain("odd\\u{a}name");
  const restored = await stage.restore(["file", `${data}/tree`]);
  expect(restored.code, restored.stdout + restored.stderr).toBe(0);
  const to = restored.told.copied?.to ?? "";
  expect(to).toMatch(new RegExp(`^${data}/tree\\.from-\\d{4}-\\d\\d-\\d\\d-\\d{4}$`));
  const copied = everythingOf(data, path.basename(to));
  expect(copied.replaceAll(path.basename(to), "tree")).toBe(before);
  // The same words again put no second copy into the first.
  const again = await stage.run(["file", `${data}/tree`]);
  expect([again.code, again.stderr], again.stdout).toEqual([2, expect.stringContaining("is there already")]);
  expect(everythingOf(data, path.basename(to))).toBe(copied);
  await stage.expectClean();
}, 120_000);

test("what is there stays unless it is to be replaced, and is told before any volume is made", async () => {
  const { data } = stage;
  await writeFile(`${data}/tree/a`, "later\n");
  const made = calls("CreateVolume");
  const refused = await stage.restore(["file", `${data}/tree/a`, "--to", `${data}/tree/a`]);
  expect([refused.code, refused.told.error?.found]).toEqual([2, `${data}/tree/a is there already`]);
  expect(calls("CreateVolume")).toBe(made);
  const replaced = await stage.restore(["file", `${data}/tree/a`, "--to", `${data}/tree`, "--overwrite"]);
  expect(replaced.code, replaced.stdout).toBe(0);
  expect(await readFile(`${data}/tree/a`, "utf8")).toBe("one\n");
  await stage.expectClean();
  if (!soak) return;
  await writeFile(`${data}/tree/-dash`, "later\n");
  const filled = await stage.restore(["file", `${data}/tree`, "--to", `${data}/`, "--missing"]);
  expect(filled.code, filled.stdout).toBe(0);
  expect(await readFile(`${data}/tree/-dash`, "utf8")).toBe("later\n");
  expect(await readdir(`${data}/tree/sub`)).toContain("hard");
  await stage.expectClean();
}, 120_000);

test("paths on a btrfs over two volumes and on a partition are found by what is mounted", async () => {
  const pair = await stage.run(["cat", at("pair/inner/file")]);
  expect([pair.code, pair.stdout], pair.stderr).toEqual([0, "on two disks\n"]);
  const part = await stage.run(["cat", at("part/file")]);
  expect([part.code, part.stdout], part.stderr).toEqual([0, "on a partition\n"]);
  await stage.expectClean();
}, 120_000);

test("bytes come whole to a slow reader, and one who goes away is no failure", async () => {
  const { data, bench } = stage;
  const json = await stage.run(["cat", `${data}/big`, "--json"]);
  expect([json.code, json.stdout]).toEqual([64, expect.stringContaining("no JSON")]);
  const env = {
    ...bench.simulator.environment,
    STATE_DIRECTORY: bench.state,
    RUNTIME_DIRECTORY: stage.runtime,
  };
  const words = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  const command = `env ${words.join(" ")} ${process.execPath} ${agent} --config ${bench.config} restore cat ${data}/big`;
  const status = "$" + "{PIPESTATUS[0]}";
  const piped = (reader: string) => sh("bash", "-c", `${command} 2>/dev/null | (${reader}); echo ${status}`);
  const digest = (await sh("sha256sum", `${data}/big`)).split(" ")[0];
  expect(await piped("sleep 6; sha256sum")).toBe(`${digest}  -\n0`);
  expect(await piped("head -c 10 >/dev/null")).toBe("0");
  await stage.expectClean();
}, 120_000);

test("links of a snapshot lead nowhere on this host, and links at the target are not followed", async () => {
  const { data } = stage;
  const out = await stage.restore(["ls", `${data}/tree/sub/etc/`]);
  expect([out.code, out.told.error?.kind], out.stdout).toEqual([2, "not-found"]);
  await mkdir(at("outside"));
  await mkdir(at("inside/tree"), { recursive: true });
  await symlink(at("outside"), at("inside/tree/sub"));
  const words = ["file", `${data}/tree`, "--to", at("inside/"), "--overwrite"];
  const refused = await stage.restore(words);
  expect([refused.code, refused.told.error?.found]).toEqual([2, `${at("inside/tree/sub")} is no directory`]);
  await symlink(at("outside"), at("link"));
  const linked = await stage.restore(["file", `${data}/tree`, "--to", at("link")]);
  expect([linked.code, linked.told.error?.found]).toEqual([2, `${at("link")} is there already`]);
  expect(await readdir(at("outside"))).toEqual([]);
  expect(await readdir(at("inside/tree"))).toEqual(["sub"]);
  await stage.expectClean();
}, 120_000);

test("a full disk is told before anything is written to it", async () => {
  const device = await stage.block.disks.attach(await stage.block.disks.file("small", 8));
  await stage.block.disks.format(device, "ext4");
  const small = await stage.block.disks.mount(device, "small-disk");
  const full = await stage.restore(["file", `${stage.data}/big`, "--to", `${small}/`]);
  expect([full.code, full.told.error?.found], full.stdout).toEqual([
    73,
    expect.stringMatching(/it needs \d+ bytes/),
  ]);
  expect(await readdir(small)).toEqual(["lost+found"]);
  await stage.expectClean();
}, 120_000);

test("files of a machine that is gone come from what the point recorded, else from all its volumes", async () => {
  const gone = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0dead0000000000ff";
  const other = ["--instance", "i-0dead0000000000ff"];
  const { data, bench } = stage;
  await stage.retag({ [tagKeys.instance]: gone });
  const unsaid = await stage.restore(["file", `${data}/tree/a`, ...other]);
  expect([unsaid.code, unsaid.told.error?.remedy]).toEqual([64, "say where to: --to"]);
  const blind = await stage.restore(["file", `${data}/tree/a`, "--to", at("rescued"), ...other]);
  expect(blind.code, blind.stdout + blind.stderr).toBe(0);
  expect(blind.told.ways?.[0]?.volumes).toHaveLength(4);
  expect(await readFile(at("rescued"), "utf8")).toBe("one\n");
  expect((await lstat(at("rescued"))).uid).toBe(1234);
  // A job that names a mount knows them all, and so does its point.
  const waits = { settleEvery: "200ms" };
  const job = { retention: { last: 4 }, waits, volumes: { exclude: [{ mount: at("part") }] } };
  await writeFile(bench.config, `version: 1\njobs:\n  default: ${JSON.stringify(job)}\n`, { mode: 0o600 });
  await stage.capture();
  await stage.retag({ [tagKeys.instance]: gone });
  const known = await stage.restore(["ls", at("pair/inner"), ...other]);
  expect(
    known.told.entries?.map(({ name }) => name),
    known.stdout + known.stderr,
  ).toEqual(["file"]);
  expect(known.told.ways?.map(({ volumes, because }) => [volumes.length, because])).toEqual([
    [2, `${at("pair")} rested on it at the capture`],
  ]);
  await stage.expectClean();
}, 120_000);
