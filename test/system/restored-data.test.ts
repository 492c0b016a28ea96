import { CreateSnapshotsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { type BenchDisk, BlockBench, faultsOf, mountOptions, needsRecovery, playLog } from "./block-bench.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { clusterState, mariadb, postgres } from "./servers.ts";
import type { SqlSession } from "./sql-session.ts";
import { Stack } from "./stack.ts";
import { read, type Subject, underLoad } from "./subjects.ts";

const missing =
  !loopDisksCan || !mariadb.present || !postgres.present
    ? `needs ${loopDisksNeed}, and MariaDB and PostgreSQL`
    : undefined;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const keys = { accessKeyId: "AKIABLOCKBENCH00001", secretAccessKey: "secret" };
const stack = new Stack();
let bench: BlockBench;
let simulator: Simulator;
let ec2: EC2Client;
let onMariadb: Subject;
let onPostgres: Subject;

beforeAll(async () => {
  if (missing !== undefined) return;
  bench = stack.use(await BlockBench.start());
  onMariadb = await underLoad(bench, stack, mariadb, await bench.disk("mariadb", "ext4"));
  onPostgres = await underLoad(bench, stack, postgres, await bench.disk("postgres", "xfs"));
  simulator = await startSimulator({
    scenario: { ...bench.scenario(), accessKeys: [{ id: keys.accessKeyId, user: "tester" }] },
  });
  stack.defer(() => simulator.close());
  ec2 = new EC2Client({ endpoint: simulator.url, region: "eu-central-1", credentials: keys, maxAttempts: 1 });
  stack.defer(() => ec2.destroy());
});

afterAll(() => stack.disposeAsync());

/** One set of all disks; the copy of each. */
async function capture(): Promise<(disk: BenchDisk) => string> {
  const { Snapshots = [] } = await ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: bench.instance } }),
  );
  const { snapshots } = await simulator.control.state();
  const copies = new Map(
    Snapshots.map(({ VolumeId = "", SnapshotId = "" }) => {
      const snapshot = snapshots[SnapshotId];
      expect(snapshot?.pointInTime).toBe(true);
      return [VolumeId, snapshot?.file ?? ""];
    }),
  );
  return (disk) => copies.get(disk.volume) ?? "";
}

/** Rows of a subject that are committed, as another session sees them. */
async function committed(session: SqlSession): Promise<number> {
  return Number((await session.query("SELECT COUNT(*) / 3 FROM ledger"))[0]);
}

describe.skipIf(missing !== undefined)(`what a restored set holds${missing ? ` (${missing})` : ""}`, () => {
  test("the disks are found by the names that udev gives EBS volumes", async () => {
    for (const { link, device } of bench.members) expect(await sh("readlink", "-f", link)).toBe(device);
  });

  test("captured while nothing is held: whole transactions, after filesystems and servers have recovered", async () => {
    const subjects = [onMariadb, onPostgres];
    for (const { load } of subjects) await load.more(20);
    const before = subjects.map(({ load }) => load.committed);
    const copyOf = await capture();
    const after = subjects.map(({ load }) => load.committed);
    const interrupted: boolean[] = [];
    for (const [index, one] of subjects.entries()) {
      const { filesystem, mount } = one.disk;
      const device = await bench.restore(copyOf(one.disk));
      interrupted.push(await needsRecovery(device, filesystem === "ext4" ? "ext4" : "xfs"));
      const { ledger, log } = await read(bench, one, device);
      expect(ledger).toMatchObject({ whole: true, wrong: 0 });
      expect(ledger.count).toBeGreaterThanOrEqual(before[index] ?? 0);
      // The one under way may have been committed without the client having heard of it.
      expect(ledger.count).toBeLessThanOrEqual((after[index] ?? 0) + 1);
      expect(one.kind.recovered(log), log).toBe(true);
      expect(await faultsOf(device, filesystem)).toBe("");
      expect(one.kind.recovered(await one.server.log()), `${mount} was started anew`).toBe(false);
    }
    expect(interrupted).toContain(true);
  });

  test.each([
    ["FLUSH TABLES WITH READ LOCK", ["FLUSH TABLES WITH READ LOCK"], "UNLOCK TABLES"],
    [
      "BACKUP STAGE",
      ["START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"].map((stage) => `BACKUP STAGE ${stage}`),
      "BACKUP STAGE END",
    ],
  ])(
    "held by %s and a freeze: exactly what was committed, and sound filesystems",
    async (_, lock, unlock) => {
      await using locking = onMariadb.server.session();
      await using other = onPostgres.server.session();
      for (const { load } of [onMariadb, onPostgres]) await load.more(20);
      for (const statement of lock) await locking.query(statement);
      await other.query("BEGIN; LOCK TABLE ledger IN EXCLUSIVE MODE");
      const expected = [await committed(locking), await committed(other)];
      const copyOf = await bench.frozen(
        bench.members.map(({ mount }) => mount),
        capture,
      );
      expect([await committed(locking), await committed(other)]).toEqual(expected);
      await other.query("COMMIT");
      await locking.query(unlock);
      for (const { load } of [onMariadb, onPostgres]) await load.more(5);
      for (const [index, one] of [onMariadb, onPostgres].entries()) {
        const device = await bench.restore(copyOf(one.disk));
        // A freeze leaves nothing in the journal of ext4; that of XFS it leaves to be played on purpose.
        if (one.disk.filesystem === "xfs") await playLog(bench.disks, device);
        else expect(await needsRecovery(device, "ext4")).toBe(false);
        expect(await faultsOf(device, one.disk.filesystem)).toBe("");
        const { ledger } = await read(bench, one, device);
        expect(ledger).toEqual({ count: expected[index], whole: true, wrong: 0 });
      }
    },
  );

  test("PostgreSQL's own record tells a copy of a running server", async () => {
    const copyOf = await capture();
    const device = await bench.restore(copyOf(onPostgres.disk));
    const at = await bench.disks.mount(device, "looked-at", ...mountOptions("xfs"));
    expect(await clusterState(at)).toBe("in production");
  });
});
