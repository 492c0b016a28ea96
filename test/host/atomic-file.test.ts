import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { appendLine, readJson, replaceFile } from "../../src/host/atomic-file.ts";
import { execute } from "../system/bench.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";

const script = path.join(import.meta.dirname, "replace.ts");
const old = "o".repeat(3_000);
const fresh = 6_000;

function needStrace(context: TestContext): void {
  need(context, isLinux && has("strace"), "strace(1)");
}

/** Has another process replace (or append to) a file of three thousand times o, under what makes it fail. */
async function replaceUnder(under: readonly string[], file: string, size = fresh, ...how: string[]) {
  const words = [...under, ...node, script, file, String(size), ...how];
  const ended = await execute(words, { UV_THREADPOOL_SIZE: "1" });
  return ended.stdout === "" ? { signal: ended.signal, code: ended.code } : JSON.parse(ended.stdout);
}

async function oldFile(): Promise<string> {
  const file = path.join(await folder(), "state.json");
  await writeFile(file, old);
  return file;
}

/** What libuv calls it on each architecture. */
const renames = "?rename,?renameat,?renameat2";

function strace(injection: string): string[] {
  const [calls = "", ...what] = injection.replace(/^rename/, renames).split(":");
  const inject = `inject=${[calls, ...what].join(":")}`;
  return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", inject];
}

test("directories and files are for their owner alone, whatever the umask", async () => {
  const before = process.umask(0);
  try {
    const directory = path.join(await folder(), "state", "i-0123456789abcdef0");
    await replaceFile(path.join(directory, "job-default.json"), "{}");
    await appendLine(path.join(directory, "removals.jsonl"), "{}");
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(path.dirname(directory))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory)) {
      expect((await stat(path.join(directory, name))).mode & 0o777).toBe(0o600);
    }
    expect(await readdir(directory)).toEqual(["job-default.json", "removals.jsonl"]);
  } finally {
    process.umask(before);
  }
});

test("a file that is replaced by many at once is never torn, and nobody fails", async () => {
  const file = path.join(await folder(), "state.json");
  const texts = ["a", "b", "c", "d"].map((letter, index) =>
    JSON.stringify(letter.repeat(1_000 * (index + 1))),
  );
  await replaceFile(file, texts[0] ?? "");
  let writing = true;
  const writers = Promise.all(
    texts.map(async (text) => {
      for (let count = 0; count < 50; count++) await replaceFile(file, text);
    }),
  ).finally(() => {
    writing = false;
  });
  while (writing) expect(texts).toContain(await readFile(file, "utf8"));
  await writers;
  expect(await readdir(path.dirname(file))).toEqual(["state.json"]);
});

describe("a write that fails says so and leaves the old content whole", () => {
  test("on a full disk", async (context) => {
    need(context, isLinux && isRoot && has("unshare"), "root and unshare(1), for a filesystem of 16 KiB");
    const mount = await folder();
    const command = `mount -t tmpfs -o size=16k tmpfs "$0" && printf %s ${old} > "$0/state.json" && "$@"; cat "$0"/*`;
    const words = [...node, script, path.join(mount, "state.json"), "100000"];
    const ended = await execute(["unshare", "--mount", "sh", "-c", command, mount, ...words], {});
    const said = ended.stdout.slice(0, ended.stdout.indexOf("}") + 1);
    expect(JSON.parse(said)).toMatchObject({ kind: "cannot-write", code: "ENOSPC" });
    expect(JSON.parse(said).message).toMatch(/^cannot write .*state\.json: ENOSPC; free some space$/);
    expect(ended.stdout.slice(said.length)).toBe(old);
  });

  test.for([
    ["fsync:error=EIO:when=1", "EIO"],
    ["rename:error=EACCES", "EACCES"],
    ["rename:error=EXDEV", "EXDEV"],
  ] as const)("with %s", async ([injection, code], context) => {
    needStrace(context);
    const file = await oldFile();
    expect(await replaceUnder(strace(injection), file)).toMatchObject({ kind: "cannot-write", code });
    expect(await readFile(file, "utf8")).toBe(old);
    expect(await readdir(path.dirname(file))).toEqual(["state.json"]);
  });

  test("when only the directory cannot be synced, with the new content whole", async (context) => {
    needStrace(context);
    const file = await oldFile();
    const ended = await replaceUnder(strace("fsync:error=EIO:when=2"), file);
    expect(ended).toMatchObject({ kind: "cannot-write", code: "EIO" });
    expect(await readFile(file, "utf8")).toBe("n".repeat(fresh));
  });

  test("where a file stands in the directory's place", async () => {
    const file = await oldFile();
    const failed = replaceFile(path.join(file, "job-default.json"), "{}");
    await expect(failed).rejects.toMatchObject({ kind: "cannot-write", code: "ENOTDIR" });
    expect(await readFile(file, "utf8")).toBe(old);
  });

  test("below a place where nothing can be made, without trying for ever", async (context) => {
    need(context, isLinux, "Linux, for /proc");
    await expect(replaceFile("/proc/nope/deeper/job-default.json", "{}")).rejects.toMatchObject({
      kind: "cannot-write",
      code: "ENOENT",
    });
  });

  test("on a filesystem that is read-only", async (context) => {
    need(context, isLinux && isRoot && has("unshare"), "root and unshare(1), for a read-only mount");
    const mount = await folder();
    const command = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"';
    const words = [...node, script, path.join(mount, "state.json"), "1"];
    const ended = await execute(["unshare", "--mount", "sh", "-c", command, mount, ...words], {});
    const { kind, code, message } = JSON.parse(ended.stdout);
    expect({ kind, code }).toEqual({ kind: "cannot-write", code: "EROFS" });
    expect(message).toMatch(/ReadWritePaths= .*, or name another directory$/);
  });
});

describe("a process that is killed leaves the old or the new content", () => {
  test.for(["fsync:signal=KILL:when=1", "rename:signal=KILL", "fsync:signal=KILL:when=2"])(
    "at %s",
    async (injection, context) => {
      needStrace(context);
      const file = await oldFile();
      expect(await replaceUnder(strace(injection), file)).toMatchObject({ signal: "SIGKILL" });
      expect([old, "n".repeat(fresh)]).toContain(await readFile(file, "utf8"));
    },
  );
});

test("lines are added and never replaced, and a line that cannot be synced is an error", async (context) => {
  needStrace(context);
  const file = await oldFile();
  await writeFile(file, "first\n");
  await appendLine(file, "second");
  expect(await readFile(file, "utf8")).toBe("first\nsecond\n");
  const ended = await replaceUnder(strace("fsync:error=ENOSPC"), file, 10, "--append");
  expect(ended).toMatchObject({ kind: "cannot-write", code: "ENOSPC" });
  expect((await readFile(file, "utf8")).startsWith("first\nsecond\n")).toBe(true);
});

test("a file that is not there, is no JSON or is a directory reads as nothing", async () => {
  const directory = await folder();
  await writeFile(path.join(directory, "damaged.json"), '{"version":1,');
  await mkdir(path.join(directory, "directory.json"));
  await writeFile(path.join(directory, "good.json"), '{"version":1}');
  const names = ["absent", "damaged", "directory", "good"];
  const read = await Promise.all(names.map((name) => readJson(path.join(directory, `${name}.json`))));
  expect(read).toEqual([undefined, undefined, undefined, { version: 1 }]);
});
