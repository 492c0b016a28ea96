import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { oneInstall } from "../../src/agent/install-lock.ts";
import { need } from "../host/places.ts";

test("a second install is told of the first, and may begin when that has ended or failed", async (context) => {
  need(context, process.getuid?.() === 0, "root, since the lock lies in /run");
  const second = () => oneInstall("uninstall", async () => "done");
  await oneInstall("install", async () => {
    await expect(second()).rejects.toMatchObject({
      kind: "locked",
      found: expect.stringContaining("ec2-backup install"),
    });
  });
  await expect(
    oneInstall("install", async () => {
      throw new Error("full");
    }),
  ).rejects.toThrow("full");
  expect(await second()).toBe("done");
  expect(existsSync("/run/ec2-backup-install.lock")).toBe(false);
});
