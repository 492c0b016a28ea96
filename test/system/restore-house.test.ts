import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { DeleteVolumeCommand, DetachVolumeCommand, EC2Client } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { restoreTags } from "../../src/core/restore-plan.ts";
import { oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { has } from "../host/places.ts";
import { agent } from "./bench.ts";
import { capturedAt, type HeldRun, hookOf } from "./held-stage.ts";
import { ledgerOf } from "./load.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { RestoreHouse, shapes } from "./restore-house.ts";
import { mariadb, postgres } from "./servers.ts";
import { Stack } from "./stack.ts";

const here = loopDisksCan && oddTreeCan && mariadb.present && postgres.present && has("script");
const missing = here
  ? undefined
  : `needs ${loopDisksNeed}, ${oddTreeNeed}, MariaDB, PostgreSQL and script(1)`;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);
const missed = missing === undefined ? "" : ` (${missing})`;

const soak = process.env["SOAK"] !== undefined;
console.log(`a house that is restored: ${soak ? "full" : "without MariaDB and a rate (SOAK=1 for all)"}`);

const keys = { accessKeyId: "AKIABLOCKBENCH00001", secretAccessKey: "secret" };
const stack = new Stack();
let house: RestoreHouse;
let run: HeldRun;
/** What was on each filesystem when it was captured. */
const trees = new Map<string, string>();

const [data, files, left, right] = [0, 1, 2, 3];
const member = (index: number) => house.members[index] ?? expect.fail("no such disk");
const volume = (index: number) => member(index).volume;

/** Servers and disks are lost: one disk is formatted anew, one volume is deleted, one tree is removed. */
async function destroy(): Promise<void> {
  await house.stopServers();
  const { file } = member(data);
  await sh("fallocate", "--punch-hole", "--length", "512M", file);
  await sh("mkfs.xfs", "-q", "-f", file);
  const { url } = house.stage.bench.simulator;
  const ec2 = new EC2Client({ endpoint: url, region: "eu-central-1", credentials: keys });
  stack.defer(() => ec2.destroy());
  const VolumeId = volume(files);
  await ec2.send(new DetachVolumeCommand({ VolumeId, Force: true }));
  await house.guest.gone(VolumeId);
  const isFree = async () => expect((await house.stage.world()).volumes[VolumeId]?.attachments).toEqual([]);
  await vi.waitFor(isFree, { timeout: 60_000 });
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  await sh("rm", "-r", path.join(member(left).mount, "tree"));
}

/** A quick machine is here before EC2 has copied all blocks. */
async function completed(): Promise<void> {
  const { snapshots } = await house.stage.world();
  expect(new Set(Object.values(snapshots).map(({ state }) => state))).toEqual(new Set(["completed"]));
}

beforeAll(async () => {
  if (missing !== undefined) return;
  house = stack.use(await RestoreHouse.start([soak ? mariadb : undefined, postgres]));
  const { stage, subjects } = house;
  for (const index of [data, files, left]) trees.set(volume(index), house.tree(member(index).mount));
  await stage.configure([
    ...subjects.map((one) => hookOf(one)),
    { freeze: { mounts: "data", deadline: "10s" } },
  ]);
  for (const { load } of subjects) await load.more(10);
  run = await stage.run();
  for (const { load } of subjects) await load.more(5);
  await vi.waitFor(completed, { timeout: 60_000 });
  await destroy();
}, 120_000);

afterAll(() => stack.disposeAsync());

test.skipIf(missing !== undefined)(
  `what was destroyed comes back as it was: contents, names, links, rights, times, shapes and tags${missed}`,
  async () => {
    expect([run.code, run.report.points], run.stdout).toMatchObject([0, [{ consistency: "application" }]]);
    const words = ["volumes", "--mount", house.restoredAt, "--yes"];
    const restored = await house.restore(words);
    expect(restored.told.result, restored.stdout + restored.stderr).toMatchObject({ outcome: "done" });
    expect([restored.code, restored.told.result?.notMounted]).toEqual([0, []]);

    const made = await house.made();
    expect(made).toHaveLength(4);
    for (const [index, shape] of shapes.entries()) {
      const one = made.find(({ tags }) => tags[restoreTags.volume] === volume(index));
      expect(one).toMatchObject({ ...shape, tags: shape.tags });
      expect(one?.attachments).toMatchObject([{ state: "attached", instance: house.blocks.instance }]);
    }
    for (const [id, before] of trees) {
      const at = path.join(house.restoredAt, id);
      await expect(writeFile(path.join(at, "new"), "x"), "mounted read-only").rejects.toThrow("EROFS");
      expect(house.tree(at), `the tree of ${id}`).toBe(before);
    }
    // The second disk of the btrfs, which is there in its first.
    expect((await readdir(house.restoredAt)).sort()).toEqual([...trees.keys()].sort());
    const again = await house.restore(words);
    expect([again.code, again.told.result?.outcome]).toEqual([0, "was-done"]);
    expect(await house.made()).toHaveLength(4);
    expect(await readdir(member(left).mount)).toEqual([]);

    const undo = ["volumes", "--undo", "--restore", restored.told.plan?.id ?? "", "--yes"];
    const undone = await house.restore(undo);
    expect([undone.code, await house.made()], undone.stdout).toEqual([0, []]);
    expect(await readdir(member(left).mount)).toEqual([]);
  },
);

test.skipIf(missing !== undefined)(
  `databases of restored volumes start and are complete${missed}`,
  async () => {
    const at = `${house.restoredAt}-written`;
    house.blocks.disks.janitor.undo(`for m in ${at}/*; do umount -q $m; done; true`);
    const ids = [volume(data), volume(files)];
    const restored = await house.restore([
      ...["volumes", ...ids, "--label", "written", "--mount", at, "--writable", "--yes"],
    ]);
    expect(restored.code, restored.stdout + restored.stderr).toBe(0);
    for (const { kind, disk, load } of house.subjects) {
      await using server = await kind.start(house.blocks.disks, disk.mount, path.join(at, disk.volume), [
        "--bind",
      ]);
      await using session = server.session();
      if (kind === mariadb) await session.query("USE bench");
      const ledger = await ledgerOf(session);
      expect(ledger, kind.name).toMatchObject({ whole: true, wrong: 0 });
      const { least, most } = load.boundsAt(capturedAt(run));
      expect(ledger.count, kind.name).toBeGreaterThanOrEqual(least);
      expect(ledger.count, kind.name).toBeLessThanOrEqual(most);
    }
  },
);

/** What a person sees: the command on a terminal of its own. */
async function onTerminal(words: readonly string[]): Promise<string> {
  const { bench } = house.stage;
  const quoted = [process.execPath, agent, "--config", bench.config, "restore", ...words].map(
    (one) => `'${one}'`,
  );
  const environment = { ...bench.simulator.environment, STATE_DIRECTORY: bench.state, TERM: "xterm" };
  const names = Object.entries({ ...environment, ...house.stage.environment() });
  const line = `stty cols 80; exec ${quoted.join(" ")}`;
  return sh("env", ...names.map(([name, value]) => `${name}=${value}`), "script", "-qec", line, "/dev/null");
}

test.skipIf(missing !== undefined)(
  `reading all blocks shows how far it is and how fast, to a terminal alone${missed}`,
  async () => {
    const shown = await onTerminal([
      ...["volumes", volume(right), "--label", "read", "--initialize", "read", "--yes"],
    ]);
    const bars = [...shown.matchAll(/[█░]{30} +(\d+) % {2}([^\r\n]*)/g)];
    const reading = bars.filter(([, , label]) =>
      /^reading \/dev\/loop\d+ at [\d.]+ .iB\/s/.test(label ?? ""),
    );
    expect(reading.length, shown).toBeGreaterThan(0);
    expect(reading.at(-1)?.[1]).toBe("100");
    expect(bars.map(([, , label]) => label).join()).toMatch(/1 of 1 volumes made.*attaching vol-/);
    expect(shown).toContain("The restore is finished.");
    // A line of the log begins where the bar was.
    const lines = shown.split("\n").flatMap((line) => line.split("\r"));
    expect(lines.filter((line) => /[█░].*info: /.test(line))).toEqual([]);
    expect(lines.filter((line) => /[█░]/.test(line) && line.length > 83)).toEqual([]);

    const quiet = await house.restore([
      ...["volumes", volume(right), "--label", "quiet", "--initialize", "read", "--yes"],
    ]);
    expect([quiet.code, quiet.told.result?.outcome]).toEqual([0, "done"]);
    expect(quiet.stdout + quiet.stderr).not.toMatch(/[█░]|\r|reading \/dev/);

    if (!soak) return;
    const rated = await onTerminal([
      ...["volumes", volume(left), "--label", "rate", "--initialize", "300", "--yes"],
    ]);
    expect(rated).toMatch(/[█░]{30} +\d+ % {2}EC2 reads the blocks of 1 volumes/);
    expect(rated).toContain("read in by EC2 at 300 MiB/s");
  },
);
