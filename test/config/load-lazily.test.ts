import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { loadFile } from "../../src/config/load.ts";

vi.mock("yaml", () => {
  throw new Error("the YAML parser was loaded");
});

it("a host without a file never loads the YAML parser", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ec2-backup-lazy-"));
  const path = join(folder, "config.yaml");
  const uid = process.getuid?.();
  try {
    expect(await loadFile(path, { uid })).toEqual({ absent: true });
    await writeFile(path, "version: 1\n");
    await chmod(path, 0o600);
    await expect(loadFile(path, { uid })).rejects.toThrow();
  } finally {
    await rm(folder, { recursive: true });
  }
});
