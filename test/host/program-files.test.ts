import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { folder } from "./places.ts";

const load = () => import("../../src/host/program-files.ts");

describe("what is installed with the program", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test("lies beside the folder that it was started from, whatever link led there", async () => {
    const place = await folder();
    for (const one of ["dist", "policies", "bin"]) mkdirSync(path.join(place, one));
    writeFileSync(path.join(place, "dist/ec2-backup.js"), "");
    writeFileSync(path.join(place, "policies/restore.json"), "{}");
    symlinkSync("../dist/ec2-backup.js", path.join(place, "bin/ec2-backup"));
    const { programFile, programFiles } = await load();
    const program = path.join(place, "bin/ec2-backup");
    expect(await programFiles(program, "policies")).toEqual(["restore.json"]);
    expect(await programFile(program, "policies", "restore.json")).toBe("{}");
  });

  test("is in the program where that is one file, and is never looked for elsewhere", async () => {
    const files = {
      policies: { "b.json": "b", "a.json": "a" },
      systemd: { "x.service.d/y.conf": "y" },
      windows: {},
    };
    vi.stubGlobal("__PROGRAM_FILES__", files);
    vi.resetModules();
    const { programFile, programFiles } = await load();
    expect(await programFiles("/nowhere/ec2-backup", "policies")).toEqual(["a.json", "b.json"]);
    expect(await programFile("/nowhere/ec2-backup", "policies", "a.json")).toBe("a");
    expect(await programFiles("/nowhere/ec2-backup", "systemd")).toEqual(["x.service.d"]);
    expect(await programFile("/nowhere/ec2-backup", "systemd", "x.service.d/y.conf")).toBe("y");
    expect(await programFiles("/nowhere/ec2-backup", "windows")).toEqual([]);
    await expect(programFile("/nowhere/ec2-backup", "systemd", "x.service")).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});
