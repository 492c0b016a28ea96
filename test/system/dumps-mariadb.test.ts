import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import type { DumpStream } from "../../src/core/dump-config.ts";
import { describeWith, type Mariadb, startMariadb } from "../hooks/servers.ts";
import { killHalfWay, moved, repository, shell, streamsOf } from "./dump-stage.ts";

// Real servers, beside other tests.
vi.setConfig({ testTimeout: 300_000 });

const odd = "ödd/ .name";

/** Data of many kinds, and money that goes from account to account until `stop` is set. */
const schema = `
SET NAMES utf8mb4; CREATE DATABASE shop; CREATE DATABASE \`${odd}\`;
CREATE TABLE \`${odd}\`.\`tä ble\` (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET utf8mb4); 
INSERT INTO \`${odd}\`.\`tä ble\` VALUES (1, '😀 é'), (2, NULL), (3, '');
USE shop;
CREATE TABLE fixed (id INT PRIMARY KEY, t TEXT CHARACTER SET utf8mb4, b BLOB, d DECIMAL(20,9), x DOUBLE, w DATETIME(6)) ENGINE=InnoDB;
INSERT INTO fixed SELECT seq, REPEAT(MD5(seq), 1 + seq % 20), UNHEX(SHA2(seq, 512)), seq / 7, seq / 3,
  '2024-01-01 00:00:00.000001' + INTERVAL seq SECOND FROM seq_1_to_40000;
CREATE TABLE accounts (id INT PRIMARY KEY, balance INT NOT NULL) ENGINE=InnoDB;
INSERT INTO accounts SELECT seq, 1000 FROM seq_1_to_50;
CREATE TABLE transfers (id INT AUTO_INCREMENT PRIMARY KEY, f INT, t INT) ENGINE=InnoDB;
CREATE TABLE control (stop INT) ENGINE=InnoDB; INSERT INTO control VALUES (0);
CREATE TABLE seen (id INT) ENGINE=InnoDB;
CREATE VIEW rich AS SELECT id FROM accounts WHERE balance > 1000;
CREATE TRIGGER noticed AFTER UPDATE ON control FOR EACH ROW INSERT INTO seen VALUES (NEW.stop);
CREATE EVENT never ON SCHEDULE EVERY 1 DAY STARTS '2037-06-01' DO DELETE FROM seen;
CREATE USER 'shopper'@'localhost' IDENTIFIED BY 'a secret'; GRANT SELECT ON shop.* TO 'shopper'@'localhost';
`;

const load = `DELIMITER //
CREATE PROCEDURE shop.move() BEGIN
  DECLARE a INT; DECLARE b INT;
  REPEAT
    SET a = 1 + FLOOR(RAND() * 50); SET b = 1 + FLOOR(RAND() * 50);
    START TRANSACTION;
    UPDATE accounts SET balance = balance - 1 WHERE id = a;
    UPDATE accounts SET balance = balance + 1 WHERE id = b;
    INSERT INTO transfers (f, t) VALUES (a, b);
    COMMIT;
  UNTIL (SELECT stop FROM control) = 1 END REPEAT;
END//`;

/** Accounts that are not what the transfers make them: none in what is of one instant. */
const wrong = `SELECT COUNT(*) FROM shop.accounts c WHERE balance <> 1000
  - (SELECT COUNT(*) FROM shop.transfers WHERE f = c.id) + (SELECT COUNT(*) FROM shop.transfers WHERE t = c.id)`;

const fixedSums = `SET NAMES utf8mb4; CHECKSUM TABLE shop.fixed, \`${odd}\`.\`tä ble\``;

/** Clients that read an option file of their user, as those of people do. */
async function clientsOf({ directory, socket }: Mariadb): Promise<{ readonly HOME: string }> {
  await writeFile(path.join(directory, ".my.cnf"), `[client]\nsocket=${socket}\n`, { mode: 0o600 });
  return { HOME: directory };
}

async function underLoad(): Promise<{ server: Mariadb; stop(): Promise<void> }> {
  const server = await startMariadb();
  onTestFinished(() => server.stop());
  await server.sql(schema);
  await server.sql(load);
  const moving = server.sql("USE shop; CALL move()");
  moving.catch(() => undefined);
  return {
    server,
    stop: async () => {
      await server.sql("UPDATE shop.control SET stop = 1");
      await moving;
    },
  };
}

function named(streams: readonly DumpStream[], series: string): DumpStream {
  const found = streams.find((one) => one.series === series);
  if (found === undefined) throw new Error(`no ${series} in ${streams.map((one) => one.series).join(" ")}`);
  return found;
}

describeWith(["mariadb"], "dumps of MariaDB", () => {
  it("made while it is written are of one instant each, and load into a fresh server", async (context) => {
    const stage = await repository(context);
    const { server, stop } = await underLoad();
    const count = () => server.sql("SELECT COUNT(*) FROM shop.transfers");
    await moved(count);
    const streams = await streamsOf({ kind: "mysql", name: "all", socket: server.socket });
    expect(streams.map(({ series }) => series)).toEqual(["all/mysql", "all/shop", "all/%C3%B6dd%2F%20.name"]);
    const before = Number(await count());
    const ids = new Map<string, string>();
    for (const stream of streams) ids.set(stream.series, await stage.save(stream));
    // What stayed as it was is the same to the last byte.
    const again = named(streams, "all/%C3%B6dd%2F%20.name");
    const twice = await stage.save(again);
    await moved(count);
    const after = Number(await count());
    await stop();
    const sums = await server.sql(fixedSums);
    const fresh = await startMariadb();
    onTestFinished(() => fresh.stop());
    for (const stream of streams)
      await shell(await stage.line(ids.get(stream.series) ?? "", stream), await clientsOf(fresh));
    expect(await fresh.sql(fixedSums)).toBe(sums);
    expect(sums).toMatch(/^shop.fixed\t[1-9]\d+\n.*\t[1-9]\d+$/);
    expect(await fresh.sql(wrong)).toBe("0");
    expect(await fresh.sql("SELECT SUM(balance) FROM shop.accounts")).toBe("50000");
    const dumped = Number(await fresh.sql("SELECT COUNT(*) FROM shop.transfers"));
    expect(dumped).toBeGreaterThanOrEqual(before);
    expect(dumped).toBeLessThan(after);
    await fresh.sql("UPDATE shop.control SET stop = 2");
    expect(await fresh.sql("SELECT * FROM shop.seen")).toBe("2");
    expect(await fresh.sql("SELECT event_name FROM information_schema.events")).toBe("never");
    expect(
      await fresh.sql("SELECT routine_name FROM information_schema.routines WHERE routine_schema='shop'"),
    ).toBe("move");
    expect(await fresh.sql("SHOW GRANTS FOR 'shopper'@'localhost'")).toMatch(/GRANT SELECT ON `shop`/);
    const both = [ids.get(again.series) ?? "", twice];
    const texts = await Promise.all(
      both.map(async (id) => shell(`cat '${await stage.file(id, again)}'`, {})),
    );
    expect(texts[0]).toBe(texts[1]);
  });

  it("made together are of one instant, by way of a directory too", async (context) => {
    const stage = await repository(context);
    const { server, stop } = await underLoad();
    const config = {
      kind: "mysql",
      name: "one",
      socket: server.socket,
      together: true,
      spool: stage.at("spool"),
    } as const;
    const [stream, ...more] = await streamsOf(config);
    if (stream === undefined) throw new Error("no stream");
    expect(more).toEqual([]);
    const id = await stage.save(stream);
    await stop();
    const fresh = await startMariadb();
    onTestFinished(() => fresh.stop());
    await shell(await stage.line(id, stream), await clientsOf(fresh));
    expect(await fresh.sql(fixedSums)).toBe(await server.sql(fixedSums));
    expect(await fresh.sql(wrong)).toBe("0");
  });

  it("leave no point when the client is killed half-way, the server dies or a database is missing", async (context) => {
    const stage = await repository(context);
    const { server } = await underLoad();
    const config = {
      kind: "mysql",
      name: "some",
      socket: server.socket,
      databases: ["gone", "shop"],
    } as const;
    const streams = await streamsOf(config);
    const [gone, shop] = streams;
    if (gone === undefined || shop === undefined) throw new Error("no streams");
    await expect(stage.save(gone)).rejects.toMatchObject({ kind: "not-found", found: /Unknown database/ });
    await server.sql("CREATE TABLE shop.zz (id INT)");
    /** Holds the last table, so that a dump stands still in the middle; comes to who holds it. */
    const held = async (): Promise<string> => {
      server.sql("LOCK TABLES shop.zz WRITE; SELECT SLEEP(600)").catch(() => undefined);
      const asleep = "SELECT id FROM information_schema.processlist WHERE state = 'User sleep'";
      return vi.waitUntil(() => server.sql(asleep), { timeout: 60_000, interval: 50 });
    };
    const holder = await held();
    const killed = expect(stage.save(shop)).rejects.toMatchObject({ found: /ended by SIGKILL/ });
    await killHalfWay("mariadb-dump");
    await killed;
    const spooled = await streamsOf({ ...config, spool: stage.at("spool") });
    const killedThere = expect(stage.save(named(spooled, "some/shop"))).rejects.toMatchObject({
      found: /ended by SIGKILL/,
    });
    await killHalfWay("mariadb-dump");
    await killedThere;
    await server.sql(`KILL ${holder}`);
    expect(await stage.count()).toBe(0);
    // The others are made all the same.
    await stage.save(shop);
    expect(await stage.count()).toBe(1);
    await held();
    const crashed = expect(stage.save(shop)).rejects.toMatchObject({
      kind: "unreachable",
      found: /Lost connection|gone away/,
    });
    const waiting =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    await vi.waitUntil(async () => (await server.sql(waiting)) === "1", { timeout: 60_000, interval: 50 });
    await server.crash();
    await crashed;
    expect(await stage.count()).toBe(1);
  });
});
