import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { directoriesHere } from "../../src/agent/uninstall.ts";
import { removeDirectory } from "../../src/host/install-files.ts";
import { folder } from "../host/places.ts";

const host = (env: Record<string, string> = {}) => ({ platform: "linux", env, uid: 0, home: "/root" });

test("the agent's directories are the usual ones, and those that were named", async () => {
  const root = await folder();
  for (const one of ["var/lib/ec2-backup", "var/cache/ec2-backup", "srv/data", "srv/ec2-backup"])
    mkdirSync(path.join(root, one), { recursive: true });
  mkdirSync(path.join(root, "var/log"));
  symlinkSync("../lib/ec2-backup", path.join(root, "var/log/ec2-backup"));
  const cache = { path: "/var/cache/ec2-backup", what: "cache", isLink: false };
  const state = { path: "/var/lib/ec2-backup", what: "state", isLink: false };
  const logs = { path: "/var/log/ec2-backup", what: "logs", isLink: true };
  // As systemd gives it, and as the launcher reads it.
  const given = host({ CACHE_DIRECTORY: "/var/cache/ec2-backup" });
  expect(await directoriesHere(given, "/var/lib/ec2-backup/", { root })).toEqual([cache, state, logs]);
  const elsewhere = await directoriesHere(host({ CACHE_DIRECTORY: "/srv" }), "/srv/data", { root });
  expect(elsewhere).toEqual([
    ...[cache, state, logs],
    { path: "/srv/ec2-backup", what: "cache", isLink: false },
    { path: "/srv/data", what: "state", isLink: false },
  ]);
});

test("what has become a link since is not removed", async () => {
  const root = await folder();
  mkdirSync(path.join(root, "kept"));
  writeFileSync(path.join(root, "kept", "file"), "");
  symlinkSync("kept", path.join(root, "ours"));
  const places = { root, stateDirectory: "/var/lib/ec2-backup" };
  await expect(removeDirectory("/ours", places)).rejects.toThrow("it is a link by now");
  await removeDirectory("/kept", places);
  expect(existsSync(path.join(root, "kept"))).toBe(false);
  await removeDirectory("/kept", places);
});
