import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { namesIn, openedFile, passwordIn } from "../../src/host/private-file.ts";
import { userAccount } from "../../src/host/user-account.ts";
import { folder, has, isLinux, isRoot, need } from "./places.ts";

const uid = process.getuid?.();

async function secret(text: string, mode = 0o600): Promise<string> {
  const file = path.join(await folder(), "password");
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

test("a password is the file's only line, spaces and all", async () => {
  expect(await passwordIn(await secret(" p w \n"), uid)).toBe(" p w ");
  expect(await passwordIn(await secret("p\r\n"), uid)).toBe("p");
  expect(await passwordIn(await secret("p", 0o400), uid)).toBe("p");
});

test.each([
  ["more than one line", "hush\nhush2\n", 0o600, "more than one line"],
  ["nothing", "\n", 0o600, "an empty file"],
  ["what the group can read", "hush", 0o640, "mode 0640, so others can read it"],
  ["what others can read", "hush", 0o604, "mode 0604, so others can read it"],
  ["what others can write", "hush", 0o602, "mode 0602, so others can read it"],
  ["what is too large for a password", "hush".repeat(100_000), 0o600, "it has 400000 bytes"],
])("%s is refused, and the content is in no word of it", async (_, text, mode, found) => {
  const refused = passwordIn(await secret(text, mode), uid);
  await expect(refused).rejects.toMatchObject({ kind: "configuration", found });
  await expect(refused).rejects.not.toThrow(/hush/);
});

test("a file of somebody else is refused, one of root or of the agent's user is not", async (context) => {
  need(context, isRoot, "root");
  const file = await secret("p");
  await chown(file, 12_345, 0);
  await expect(passwordIn(file, 0)).rejects.toMatchObject({ found: expect.stringContaining("uid 12345") });
  expect(await passwordIn(file, 12_345)).toBe("p");
  expect(await passwordIn(await secret("p"), 12_345)).toBe("p");
});

test("what is not there is absent, what cannot be read is told", async () => {
  const directory = await folder();
  expect(await openedFile(path.join(directory, "none"))).toBeUndefined();
  expect(await namesIn(path.join(directory, "none"))).toEqual([]);
  await mkdir(path.join(directory, "b"));
  await mkdir(path.join(directory, "a"));
  expect(await namesIn(directory)).toEqual(["a", "b"]);
  await expect(openedFile(directory)).rejects.toMatchObject({ kind: "configuration" });
  await expect(passwordIn(path.join(directory, "none"), uid)).rejects.toMatchObject({
    found: "no such file",
  });
});

test("users of the system are found by name and by number", async (context) => {
  need(context, isLinux && has("getent"), "getent");
  const root = { name: "root", uid: 0, gid: 0, home: "/root" };
  const { signal } = new AbortController();
  expect(await userAccount("root", signal)).toEqual(root);
  expect(await userAccount("0", signal)).toEqual(root);
  expect(await userAccount("no-such-user", signal)).toBeUndefined();
  expect(await userAccount("--help", signal)).toBeUndefined();
});
