import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { folder, need, node } from "../host/places.ts";
import { needRestic, oneRestic } from "../system/stores/restics.ts";
import { Sshd, sshdCan, sshdNeed } from "../system/stores/sshd.ts";
import { never, quiet, Stage } from "./restic-stage.ts";

/** Whoever works for a repository: restic, which was told of it, and the ssh that it has started with a key. */
function atWork(url: string, key: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const isSsh = words.startsWith("ssh ") && words.includes(key);
      return isSsh || readFileSync(`/proc/${pid}/environ`, "utf8").includes(`=${url}\0`) ? [words] : [];
    } catch {
      return [];
    }
  });
}

describe.each(oneRestic())(
  "an agent that is killed while $name restic, $version, works over SFTP",
  (restic) => {
    test("leaves nobody at work, whatever becomes of the network, and no lock that stays", async (context) => {
      need(context, sshdCan, sshdNeed);
      const place = new Stage(await folder(), needRestic(context, restic));
      await using server = await Sshd.start();
      const served = server.repository("repository");
      // As a user has it: nothing asks whether the server is still there.
      const command = (served.options["sftp.command"] ?? "").replace(
        /-o (?:ServerAlive|Connect)\w+=\d+ /g,
        "",
      );
      const more = { url: served.url, options: { "sftp.command": command } };
      const store = await place.made("store", more);
      const agent = path.join(import.meta.dirname, "restic-agent.ts");
      const working = () => atWork(served.url, server.directory);
      const locksAt = path.join(server.directory, "files", "repository", "locks");
      // One that is just being written, empty or under a name of its own, is none yet.
      const isLock = (name: string) =>
        /^[0-9a-f]{64}$/.test(name) && statSync(path.join(locksAt, name)).size > 0;
      const locks = () => readdirSync(locksAt).filter(isLock);
      const begun = (what: string) => {
        const words = [...node.slice(1), agent, place.directory, place.program, JSON.stringify(more), what];
        const child = spawn(process.execPath, words, { stdio: "ignore" });
        return { child, gone: once(child, "exit") };
      };
      for (const how of ["silent", "open"]) {
        const { child, gone } = begun("save");
        await expect.poll(locks, { timeout: 60_000, interval: 20 }).toHaveLength(1);
        expect(working().some((one) => one.startsWith("ssh "))).toBe(true);
        if (how === "silent") server.silence();
        child.kill("SIGKILL");
        await gone;
        await expect.poll(working, { timeout: 15_000, interval: 100, message: how }).toEqual([]);
        server.mend();
        expect(locks(), "restic had no time to remove it").toHaveLength(1);
        expect(await store.locks(never)).toMatchObject([{ dead: true }]);
        await store.prune(quiet, never);
        expect(locks()).toEqual([]);
        expect(await store.snapshots([], never)).toEqual([]);
      }
      // Also while it only asks for the server's clock.
      server.silence();
      const { child, gone } = begun("clock");
      await expect.poll(working, { timeout: 60_000, interval: 20 }).not.toEqual([]);
      child.kill("SIGKILL");
      await gone;
      await expect.poll(working, { timeout: 15_000, interval: 100 }).toEqual([]);
    });
  },
);
