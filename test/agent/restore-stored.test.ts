import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { diffStored, findInStored } from "../../src/agent/search-stored.ts";
import { findStored, storedSession } from "../../src/agent/stored-session.ts";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { folder, isLinux, isRoot, need } from "../host/places.ts";
import { needRestic, oneRestic, restics } from "../system/stores/restics.ts";
import { never, StoredStage } from "./stored-stage.ts";

const refuse = { kind: "file", existing: "refuse" } as const;
const leftIn = async (at: string): Promise<string[]> =>
  (await readdir(at)).filter((name) => name.startsWith(".ec2-backup"));

beforeEach((context) => need(context, isLinux && isRoot, "root on Linux"));

async function found(stage: StoredStage, query = {}) {
  const whole = { jobs: [], tags: [], ...query };
  const session = storedSession(whole, await stage.options()) ?? expect.fail("no repository");
  return { query: whole, session, found: await findStored(whole, session, never) };
}

describe.each(restics())("files of a repository by $name restic", (restic) => {
  test("a tree with everything that files can be comes back as it was, beside the original", async (context) => {
    need(context, oddTreeCan, oddTreeNeed);
    const home = await folder();
    const stage = await StoredStage.start(home, needRestic(context, restic));
    await mkdir(stage.at("srv"));
    makeOddTree(stage.at("srv"));
    const before = everythingOf(stage.at("srv"));
    const id = await stage.save([stage.at("srv")]);
    const { items, repository } = await stage.look(refuse, [stage.at("srv/tree")]);
    expect(everythingOf(stage.at("srv"), "tree.from-2026-01-02-0301")).toBe(before);
    expect(everythingOf(stage.at("srv"))).toBe(before);
    expect(items).toMatchObject([
      { copied: { to: stage.at("srv/tree.from-2026-01-02-0301"), kept: [], continued: false } },
    ]);
    expect(repository).toBe("central");
    expect(await leftIn(stage.at("srv"))).toEqual([]);
    // The same again is refused, and into its place, over what was changed, it is as it was.
    await expect(stage.look(refuse, [stage.at("srv/tree")])).rejects.toMatchObject({ kind: "refused" });
    await writeFile(stage.at("srv/tree/a"), "changed");
    await rm(stage.at("srv/tree/sub/data"));
    await chmod(stage.at("srv/tree/sub"), 0o700);
    await utimes(stage.at("srv/tree/sub"), 1, 1);
    const act = { kind: "file", existing: "overwrite", to: stage.at("srv/") } as const;
    await stage.look(act, [stage.at("srv/tree")], { point: id.slice(0, 30) + id.slice(30) });
    expect(everythingOf(stage.at("srv"))).toBe(before);
    expect(await leftIn(stage.at("srv"))).toEqual([]);
  });

  test("what is there is not replaced unless told so, and a conflict is told before anything is fetched", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv/data/sub"), { recursive: true });
    await writeFile(stage.at("srv/data/a"), "one");
    await writeFile(stage.at("srv/data/sub/b*[x]"), "two");
    await writeFile(stage.at("srv/data/sub/bxx"), "not asked for");
    await stage.save([stage.at("srv")]);
    await writeFile(stage.at("srv/data/a"), "newer");
    await rm(stage.at("srv/data/sub/b*[x]"));
    const to = stage.at("srv/");
    await expect(stage.look({ ...refuse, to }, [stage.at("srv/data")])).rejects.toMatchObject({
      kind: "refused",
      found: `${stage.at("srv/data/a")} is there already, ${stage.at("srv/data/sub/bxx")} is there already`,
    });
    expect(await readdir(stage.at("srv/data/sub"))).toEqual(["bxx"]);
    const { items } = await stage.look({ kind: "file", existing: "keep", to }, [stage.at("srv/data")]);
    expect(items).toMatchObject([{ copied: { kept: ["data/a", "data/sub/bxx"] } }]);
    expect(await readFile(stage.at("srv/data/a"), "utf8")).toBe("newer");
    expect(await readFile(stage.at("srv/data/sub/b*[x]"), "utf8")).toBe("two");
    // One file by its name, which is no pattern; several paths go into one directory.
    const both = [stage.at("srv/data/sub/b*[x]"), stage.at("srv/data/a")];
    await stage.look({ ...refuse, to: stage.at("out") }, both);
    expect((await readdir(stage.at("out"))).toSorted()).toEqual(["a", "b*[x]"]);
    expect(await readFile(stage.at("out/a"), "utf8")).toBe("one");
    await expect(stage.look(refuse, [stage.at("srv/data/none")])).rejects.toMatchObject({
      kind: "not-found",
    });
    await expect(stage.look(refuse, ["/elsewhere"])).rejects.toMatchObject({ kind: "not-found" });
  });

  test("a dump gives its stream, and is written so that nobody else can read it", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("spool"));
    await writeFile(stage.at("spool/shop.sql"), "insert into shop".repeat(10_000), { mode: 0o644 });
    await stage.save([stage.at("spool/shop.sql")], { content: "dump", dump: "shop", kind: "mysql" });
    const child = stage.run("cat", "dump/shop");
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    expect((await once(child, "close"))[0]).toBe(0);
    expect(Buffer.concat(chunks).equals(readFileSync(stage.at("spool/shop.sql")))).toBe(true);
    await stage.look({ ...refuse, to: stage.at("out/") }, ["dump/shop"]);
    expect((await stat(stage.at("out/shop.sql"))).mode & 0o777).toBe(0o600);
    expect((await readFile(stage.at("out/shop.sql"))).equals(readFileSync(stage.at("spool/shop.sql")))).toBe(
      true,
    );
    await expect(stage.look(refuse, ["dump/shop"])).rejects.toMatchObject({ kind: "usage" });
    await expect(stage.look(refuse, ["dump/other"])).rejects.toMatchObject({ kind: "not-found" });
  });

  test("the mirror is read by itself where the repository is gone, also in the middle, and that is told", async (context) => {
    // restic 0.14 itself looks for what is gone for a minute.
    const bounds = process.env["SOAK"] === undefined ? ", idleTimeout: 5s" : "";
    const stage = await StoredStage.start(await folder(), needRestic(context, restic), bounds);
    await mkdir(stage.at("srv"));
    await writeFile(stage.at("srv/a"), "one");
    await stage.save([stage.at("srv")]);
    const [central, offsite] = [await stage.store("central"), await stage.store("offsite")];
    const ids = (await central.snapshots([], never)).map(({ id }) => id);
    await offsite.copyFrom(central, ids, () => undefined, never);
    // The list of it is there, and what it leads to is not.
    await rename(stage.at("central/data"), stage.at("central/away"));
    const half = await stage.look({ ...refuse, to: stage.at("half") }, [stage.at("srv/a")]);
    expect(half.repository).toBe("offsite");
    expect(await readFile(stage.at("half"), "utf8")).toBe("one");
    await rename(stage.at("central"), stage.at("away"));
    stage.said.length = 0;
    const { repository } = await stage.look({ ...refuse, to: stage.at("copy") }, [stage.at("srv/a")]);
    expect(repository).toBe("offsite");
    expect(stage.said).toEqual([
      expect.stringMatching(/^the mirror offsite is read, since the repository central/),
    ]);
    expect(await readFile(stage.at("copy"), "utf8")).toBe("one");
    const named = await stage.look({ kind: "ls" }, [stage.at("srv")], { repository: "offsite" });
    expect(named.entries).toMatchObject([{ name: "a", size: 3, kind: "file" }]);
    // Who names the one that is gone is not given another.
    await expect(stage.look({ kind: "ls" }, ["/"], { repository: "central" })).rejects.toMatchObject({
      kind: "not-found",
    });
    const bare = { url: stage.at("offsite"), passwordFile: stage.at("password"), options: {} };
    rmSync(stage.at("config.yaml"));
    process.env["PATH"] = `${path.dirname(stage.program)}:${process.env["PATH"]}`;
    const alone = await stage.look({ ...refuse, to: stage.at("alone") }, [stage.at("srv/a")], { bare });
    expect(alone.items).toMatchObject([{ copied: { to: stage.at("alone") } }]);
  });

  test("names are found in one point and in all, and two points are compared by their contents", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv/deep"), { recursive: true });
    await writeFile(stage.at("srv/deep/a.conf"), "1");
    await writeFile(stage.at("srv/same"), "aaaa");
    await utimes(stage.at("srv/same"), 1_000, 1_000);
    const first = await stage.save([stage.at("srv")]);
    await writeFile(stage.at("srv/deep/a.conf"), "22");
    await writeFile(stage.at("srv/b.conf"), "1");
    // Neither size nor time tell.
    await writeFile(stage.at("srv/same"), "bbbb");
    await utimes(stage.at("srv/same"), 1_000, 1_000);
    const second = await stage.save([stage.at("srv")]);
    const { query, session, found: points } = await found(stage);
    const find = { pattern: "*.conf", ignoreCase: false };
    for (const _ of ["from the repository", "from what is kept"]) {
      const one = await findInStored({ query, find, every: false }, points, session, never);
      expect(one.versions.map(({ entry }) => entry.path)).toEqual([
        stage.at("srv/b.conf"),
        stage.at("srv/deep/a.conf"),
      ]);
      const all = await findInStored({ query, find, every: true }, points, session, never);
      expect(all.versions.map(({ entry, points: of }) => [entry.size, of.map(({ id }) => id)])).toEqual([
        [1, [second]],
        [2, [second]],
        [1, [first]],
      ]);
      const order = { query, before: first.slice(0, -1) + first.slice(-1), after: "newest" };
      const { changes, exact } = await diffStored(order, points, session, never);
      expect(exact).toBe(true);
      expect(changes.map(({ path: at, change }) => [change, at.slice(stage.at("srv").length)])).toEqual([
        ["added", "/b.conf"],
        ["content", "/deep/a.conf"],
        ["content", "/same"],
      ]);
    }
    const unknown = { query, before: "oldest", after: "newest" };
    await expect(diffStored(unknown, points, session, never)).rejects.toMatchObject({
      doing: "find the point oldest",
      remedy: "or the id of a point, or newest",
    });
    const kept = await readdir(stage.at("state/cache/listings"), { recursive: true });
    // Of two points, and of what differs between them.
    expect(kept.filter((name) => name.endsWith(".listing"))).toHaveLength(3);
    expect((await lstat(stage.at("state/cache/listings"))).mode & 0o077).toBe(0);
  });
});

describe.each(oneRestic("a current"))("files of a repository by $name restic, as by any", (restic) => {
  test("a repository that the command line names is found from the working directory, and none is to be made", async (context) => {
    const home = await folder();
    const stage = await StoredStage.start(home, needRestic(context, restic));
    await mkdir(stage.at("srv"));
    await writeFile(stage.at("srv/a"), "1");
    await stage.save([stage.at("srv")]);
    const here = (name: string): string => path.relative(process.cwd(), stage.at(name));
    const bare = (name: string) => ({
      bare: { url: here(name), passwordFile: here("password"), options: {} },
    });
    expect(await stage.look({ kind: "ls" }, [stage.at("srv")], bare("central"))).toMatchObject({
      entries: [{ name: "a" }],
    });
    const none = stage.look({ kind: "ls" }, [stage.at("srv")], bare("nowhere"));
    await expect(none).rejects.toMatchObject({
      code: "NoRepository",
      remedy: "see whether its address is right, and its disk mounted",
    });
  });

  test("a reader who goes away early is no failure", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv"));
    await writeFile(stage.at("srv/large"), Buffer.alloc(30 * 1024 * 1024, "x"));
    await stage.save([stage.at("srv")]);
    const child = stage.run("cat", stage.at("srv/large"));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect([(await once(child, "close"))[0], said]).toEqual([0, ""]);
  });

  test("a point is chosen by time, machine and id, and never one that is not whole or dated in the future", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv"));
    const ids: string[] = [];
    for (const text of ["1", "22", "333"]) {
      await writeFile(stage.at("srv/a"), text);
      ids.push(await stage.save([stage.at("srv")]));
    }
    await stage.save([stage.at("srv")], { content: "files" }, "other");
    const store = await stage.store("central");
    const last = (await store.snapshots([], never)).find(({ tags }) =>
      tags.some((one) => one.includes(ids[2] ?? "-")),
    );
    await store.markPartial(
      last?.id ?? "",
      [{ path: "/x", found: "denied" }],
      { host: "build", time: new Date() },
      never,
    );
    const sizeOf = async (query = {}) =>
      (await stage.look({ kind: "ls" }, [stage.at("srv/a")], query)).entries?.[0]?.size;
    expect(await sizeOf()).toBe(2);
    expect(await sizeOf({ at: "2026-01-02 03:01" })).toBe(1);
    expect(await sizeOf({ point: ids[2] })).toBe(3);
    expect(await sizeOf({ point: last?.id.slice(0, 8) })).toBe(3);
    expect(await sizeOf({ instance: "other" })).toBe(3);
    await expect(stage.look(refuse, [stage.at("srv/a")], { instance: "other" })).rejects.toMatchObject({
      kind: "usage",
    });
  });

  test("goes to the place that is meant in the directory of whoever asks", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv/below"), { recursive: true });
    await writeFile(stage.at("srv/a"), "stored");
    await stage.save([stage.at("srv")]);
    for (const [to, copy] of [
      ["copy", "srv/below/copy"],
      ["new/", "srv/below/new/a"],
      [".", "srv/below/a"],
      ["../b", "srv/b"],
    ] as const) {
      const child = stage.runIn(stage.at("srv/below"), "file", stage.at("srv/a"), "--to", to);
      expect((await once(child, "close"))[0], to).toBe(0);
      expect(await readFile(stage.at(copy), "utf8")).toBe("stored");
    }
    const up = stage.runIn(stage.at("srv/below"), "file", stage.at("srv/a"), "--to", "../".repeat(40));
    expect((await once(up, "close"))[0]).toBe(64);
  });

  test("a restore that is killed at any moment leaves what was there whole, and the same words finish it", async (context) => {
    const stage = await StoredStage.start(await folder(), needRestic(context, restic));
    await mkdir(stage.at("srv/data"), { recursive: true });
    for (let one = 0; one < 300; one += 1)
      await writeFile(stage.at(`srv/data/file-${one}`), `stored ${one}`.repeat(2_000));
    await stage.save([stage.at("srv")]);
    for (let one = 0; one < 300; one += 1) await writeFile(stage.at(`srv/data/file-${one}`), "was there");
    const words = ["file", stage.at("srv/data"), "--to", stage.at("srv/"), "--overwrite"];
    const began = performance.now();
    const undisturbed = stage.run("file", stage.at("srv/data"), "--to", stage.at("beside"));
    expect((await once(undisturbed, "close"))[0]).toBe(0);
    const takes = performance.now() - began;
    for (let round = 0; round < 4; round += 1) {
      const child = stage.run(...words);
      // It may be done before.
      const closed = once(child, "close");
      await pause((0.2 + 0.8 * Math.random()) * takes);
      child.kill("SIGKILL");
      await closed;
      for (const name of await readdir(stage.at("srv/data"))) {
        if (name.startsWith(".ec2-backup")) continue;
        const text = await readFile(stage.at("srv/data", name), "utf8");
        const isStored = text === `stored ${name.slice(5)}`.repeat(2_000);
        expect(isStored || text === "was there", name).toBe(true);
      }
    }
    const child = stage.run(...words);
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    expect([(await once(child, "close"))[0], said.includes("cannot")]).toEqual([0, false]);
    expect(readdirSync(stage.at("srv/data"))).toHaveLength(300);
    expect(await leftIn(stage.at("srv"))).toEqual([]);
    expect(await readFile(stage.at("srv/data/file-7"), "utf8")).toBe("stored 7".repeat(2_000));
  });
});
