import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BlockBench, faultsOf, needsRecovery, playLog } from "./block-bench.ts";
import { capturedAt, type HeldRun, HeldStage, hookOf, metricsOf } from "./held-stage.ts";
import { type Ledger, ledgerOf } from "./load.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { mariadb, postgres } from "./servers.ts";
import { Stack } from "./stack.ts";
import { endOfLog, read, type Subject, startOn, underLoad } from "./subjects.ts";

const missing =
  !loopDisksCan || !mariadb.present || !postgres.present || !isInstalled("mariadb-binlog")
    ? `needs ${loopDisksNeed}, and MariaDB and PostgreSQL`
    : undefined;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const stack = new Stack();
let blocks: BlockBench;
let stage: HeldStage;
let onMariadb: Subject;
let onPostgres: Subject;

beforeAll(async () => {
  if (missing !== undefined) return;
  blocks = stack.use(await BlockBench.start());
  onMariadb = await underLoad(blocks, stack, mariadb, await blocks.disk("mariadb", "ext4"));
  onPostgres = await underLoad(blocks, stack, postgres, await blocks.disk("postgres", "xfs"));
  stage = stack.use(await HeldStage.start(blocks.scenario()));
}, 60_000);

afterAll(() => stack.disposeAsync());

/** A run of the agent in the midst of the load. */
async function captured(): Promise<HeldRun> {
  for (const { load } of [onMariadb, onPostgres]) await load.more(10);
  const run = await stage.run();
  for (const { load } of [onMariadb, onPostgres]) await load.more(5);
  return run;
}

const freeze = { freeze: { mounts: "data", deadline: "10s" } };

/** Counts the rows of MariaDB before and after the freeze, while the lock is held, into a file. */
function counting(file: string): Record<string, unknown> {
  const ask = `mariadb --no-defaults --socket=${onMariadb.server.place}/socket -BN -e`;
  const line = `${ask} 'SELECT COUNT(*) / 3 FROM bench.ledger' >> ${file}`;
  return { command: { name: "count", before: line, after: line, timeout: "10s" } };
}

/** What the hook of a subject found. */
function factsOf(run: HeldRun, hook: string): Readonly<Record<string, string>> {
  return run.report.stillness?.hooks.find((one) => one.hook === hook)?.facts ?? {};
}

/** Everything about a copy that holds for every capture that was held still. */
async function restored(subject: Subject, run: HeldRun): Promise<{ device: string; ledger: Ledger }> {
  const { disk, load } = subject;
  const device = await blocks.restore(run.copyOf(disk));
  // A freeze leaves nothing in the journal of ext4; that of XFS it leaves to be played on purpose.
  if (disk.filesystem === "xfs") await playLog(blocks.disks, device);
  else expect(await needsRecovery(device, "ext4")).toBe(false);
  expect(await faultsOf(device, disk.filesystem)).toBe("");
  // A copy for the server, since what it recovers it changes.
  const served = await blocks.restore(run.copyOf(disk));
  const { ledger } = await read(blocks, subject, served);
  expect(ledger).toMatchObject({ whole: true, wrong: 0 });
  const { least, most } = load.boundsAt(capturedAt(run));
  expect(ledger.count).toBeGreaterThanOrEqual(least);
  expect(ledger.count).toBeLessThanOrEqual(most);
  return { device, ledger };
}

/** What the server wrote from a position on, brought to a copy; all that is in the copy then. */
async function rolledForward(run: HeldRun, position: string): Promise<Ledger> {
  const device = await blocks.restore(run.copyOf(onMariadb.disk));
  const [file = "", start = ""] = position.split(":");
  const log = path.join(onMariadb.disk.mount, "data", file);
  const events = await sh("mariadb-binlog", "--no-defaults", `--start-position=${start}`, log);
  await using server = await startOn(blocks, onMariadb, device);
  await using session = server.session();
  await session.query(`${events}\nSELECT 1`);
  return await ledgerOf(session);
}

describe.skipIf(missing !== undefined)(
  `what the agent's points hold${missing ? ` (${missing})` : ""}`,
  () => {
    test.each([
      ["backup", "BACKUP STAGE BLOCK_COMMIT"],
      ["global", "FLUSH TABLES WITH READ LOCK"],
    ])(
      "MariaDB by lock %s, PostgreSQL and a freeze: exactly what was committed",
      async (lock, name) => {
        const counts = path.join(stage.bench.folder, `counts-${lock}`);
        await stage.configure([hookOf(onMariadb, { lock }), hookOf(onPostgres), counting(counts), freeze]);
        const run = await captured();
        expect(run.code, run.stdout).toBe(0);
        expect(run.tagged).toEqual(["application", "application"]);
        expect(run.report.points).toMatchObject([{ consistency: "application" }]);
        expect(metricsOf(run)).toMatchObject({ Degraded: 0, Errors: 0 });
        expect(run.report.stillness?.frozenMs).toBeGreaterThan(0);

        const { device, ledger } = await restored(onMariadb, run);
        const counted = (await readFile(counts, "utf8")).trim().split("\n").map(Number);
        expect(counted).toEqual([ledger.count, ledger.count]);
        const facts = factsOf(run, "mysql");
        expect(facts).toMatchObject({ lock: name });
        expect(await endOfLog(blocks, device)).toBe(facts["binlog"]);
        const forward = await rolledForward(run, facts["binlog"] ?? "");
        expect(forward).toMatchObject({ whole: true, wrong: 0 });
        expect(forward.count).toBeGreaterThanOrEqual(ledger.count + 5);

        await restored(onPostgres, run);
        expect(factsOf(run, "postgres")["checkpoint"]).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
      },
      60_000,
    );

    test("the same without hooks: crash-consistent, and something had to be recovered", async () => {
      await stage.configure([]);
      const run = await captured();
      expect(run.code, run.stdout).toBe(0);
      expect(run.tagged).toEqual(["crash", "crash"]);
      expect(metricsOf(run)).not.toHaveProperty("FrozenTime");
      const interrupted: boolean[] = [];
      for (const one of [onMariadb, onPostgres]) {
        const filesystem = one.disk.filesystem === "ext4" ? "ext4" : "xfs";
        const device = await blocks.restore(run.copyOf(one.disk));
        interrupted.push(await needsRecovery(device, filesystem));
        const { ledger, log } = await read(blocks, one, device);
        expect(ledger).toMatchObject({ whole: true, wrong: 0 });
        expect(one.kind.recovered(log), log).toBe(true);
      }
      expect(interrupted).toContain(true);
    }, 60_000);
  },
);
