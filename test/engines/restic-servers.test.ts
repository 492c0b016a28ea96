import { expect, test } from "vitest";
import { folder, need } from "../host/places.ts";
import { configured, needStore, pairsOf, ready } from "../system/stores/kinds.ts";
import { needRestic, oneRestic, systemRestic } from "../system/stores/restics.ts";
import { Sshd, sshdCan, sshdNeed } from "../system/stores/sshd.ts";
import { failureIn, filesOrder, never, order, quiet, Stage, writing } from "./restic-stage.ts";

// test/system/repository-matrix.test.ts has the other pairs.
test.for(pairsOf(systemRestic))(
  "a repository on $kind.name by $restic.name restic tells when it got what, and by which clock",
  async ({ kind, restic }, context) => {
    const place = new Stage(await folder(), needRestic(context, restic));
    await using server = await needStore(context, kind);
    const config = await configured(server.repository("repository"), "store", place.directory);
    const store = await place.open({ ...config, program: place.program, lockWait: 3_000 });
    await ready(server, { ...config, name: "repository" });
    const began = Date.now();
    const saved = await store.saveFiles(filesOrder("p", [place.tree("tree")]), quiet, never);
    const stream = await store.saveStream(order("d"), writing("d.sql", "rows"), quiet, never);
    const clock = await store.clock(never);
    // rclone tells its clock, and of its files only their names and sizes.
    const tells = kind.name !== "REST over TLS";
    expect(clock?.received.size).toBe(tells ? 2 : 0);
    for (const id of tells ? [saved.id, stream.id] : []) {
      const received = clock?.received.get(id)?.getTime() ?? 0;
      expect(received, id).toBeGreaterThan(began - 2_000);
      expect(received, id).toBeLessThan(Date.now() + 2_000);
    }
    expect(Math.abs((clock?.now.getTime() ?? 0) - Date.now())).toBeLessThan(10_000);
    expect(await store.check({ part: 1, of: 1 }, quiet, never)).toMatchObject({ sound: true });
    if (kind.name === "a directory") return;
    await server.crash();
    const brief = await place.open({
      ...config,
      program: place.program,
      idleTimeout: 3_000,
      deadline: 20_000,
    });
    expect(await failureIn(brief.snapshots([], never))).toMatchObject({ kind: "unreachable" });
    expect(await brief.clock(never)).toBeUndefined();
  },
);

test.for(oneRestic("a current"))(
  "copies from one SFTP server to another one that is reached in another way, by $name restic",
  async (restic, context) => {
    need(context, sshdCan, sshdNeed);
    const place = new Stage(await folder(), needRestic(context, restic));
    await using one = await Sshd.start();
    await using two = await Sshd.start();
    const from = one.repository("from");
    const to = two.repository("to");
    expect(from.options).not.toEqual(to.options);
    const source = await place.made("from", { url: from.url, options: from.options });
    const target = await place.open(place.config("to", { url: to.url, options: to.options }));
    await target.init(never, source);
    const { id } = await source.saveFiles(filesOrder("p", [place.tree("tree")]), quiet, never);
    await target.copyFrom(source, [id], quiet, never);
    expect(await target.snapshots([], never)).toMatchObject([{ original: id }]);
  },
);
