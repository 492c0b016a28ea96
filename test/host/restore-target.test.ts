import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { emptyDirectory } from "../../src/host/directory-reader.ts";
import { restoreTarget } from "../../src/host/restore-target.ts";
import { folder, isLinux, need } from "./places.ts";

beforeEach((context) => need(context, isLinux, "Linux"));

test("a place below something that is no directory is told in words, and what to do", async () => {
  const home = await folder();
  await writeFile(path.join(home, "file"), "mine");
  for (const to of [`${home}/file/`, `${home}/file/below`])
    await expect(restoreTarget(to, "/srv/x", "refuse"), to).rejects.toMatchObject({
      kind: "cannot-write",
      found: "something on the way to it is no directory",
      remedy: "name another place by --to",
    });
});

test("a directory is brought back to one that is empty or not there, and to nothing else", async () => {
  const home = await folder();
  await writeFile(path.join(home, "file"), "mine");
  await mkdir(path.join(home, "empty"));
  expect(await emptyDirectory(path.join(home, "empty"))).toBe(path.join(home, "empty"));
  expect(await emptyDirectory(path.join(home, "new"))).toBe(path.join(home, "new"));
  const remedy = "name a directory that is empty or not there";
  const found = "it, or something on the way to it, is no directory";
  for (const to of ["file", "file/below"])
    await expect(emptyDirectory(path.join(home, to)), to).rejects.toMatchObject({ found, remedy });
  await expect(emptyDirectory(home)).rejects.toMatchObject({
    found: "it is not empty (empty, file, new)",
    remedy,
  });
});
