import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { ownInstance } from "../../src/host/own-instance.ts";

test.each([
  ["i-0123456789abcdef0\n", "i-0123456789abcdef0"],
  ["Not Specified\n", undefined],
  ["", undefined],
  ["i-0123456789abcdef0; rm", undefined],
])("firmware that says %j means %s", async (text, id) => {
  const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-dmi-"));
  try {
    const file = path.join(folder, "board_asset_tag");
    expect(await ownInstance(file)).toBeUndefined();
    await writeFile(file, text);
    expect(await ownInstance(file)).toBe(id);
  } finally {
    await rm(folder, { recursive: true });
  }
});
