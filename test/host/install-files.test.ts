import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { cronSchedulers } from "../../src/host/cron-tables.ts";
import { doInstallStep } from "../../src/host/install-files.ts";
import { folder } from "./places.ts";

const script = "/etc/cron.daily/ec2-backup";
const write = { do: "write", path: script, mode: 0o755, text: "#!/bin/sh\nec2-backup run\n" } as const;

test("what a death leaves of a script is hidden, is no scheduler and goes with the next install", async () => {
  const root = await folder();
  const places = { root, stateDirectory: path.join(root, "state") };
  const daily = path.join(root, "etc/cron.daily");
  mkdirSync(daily, { recursive: true });
  // The rename fails, and with it all: under what name it was written is seen at a directory in its way.
  mkdirSync(path.join(daily, ".ec2-backup.new"));
  await expect(doInstallStep(write, places)).rejects.toThrow(script);
  expect(readdirSync(daily)).toEqual([".ec2-backup.new"]);
  rmdirSync(path.join(daily, ".ec2-backup.new"));

  writeFileSync(path.join(daily, ".ec2-backup.new"), write.text, { mode: 0o755 });
  expect(await cronSchedulers(root)).toEqual([]);
  await doInstallStep(write, places);
  expect(readdirSync(daily)).toEqual(["ec2-backup"]);
  expect(await cronSchedulers(root)).toHaveLength(1);
});

test("a file that somebody has changed since it was looked at is neither replaced nor removed", async () => {
  const root = await folder();
  const places = { root, stateDirectory: path.join(root, "state") };
  const file = path.join(root, script);
  await doInstallStep(write, places);
  // Again, as after a death.
  await doInstallStep(write, places);
  const renewed = { ...write, text: "#!/bin/sh\nexec ec2-backup run\n", before: write.text };
  await doInstallStep(renewed, places);
  expect(readFileSync(file, "utf8")).toBe(renewed.text);

  writeFileSync(file, "mine\n");
  const changed = "somebody has changed it since it was looked at";
  await expect(doInstallStep(renewed, places)).rejects.toThrow(changed);
  await expect(doInstallStep(write, places), "there was nothing").rejects.toThrow(changed);
  const removal = { do: "remove", path: script, before: renewed.text } as const;
  await expect(doInstallStep(removal, places)).rejects.toThrow(changed);
  expect(readFileSync(file, "utf8")).toBe("mine\n");
  await doInstallStep({ ...removal, before: "mine\n" }, places);
  expect(existsSync(file)).toBe(false);
  await doInstallStep(removal, places);
});
