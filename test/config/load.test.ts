import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { formatFault } from "../../src/config/fault.ts";
import { loadFile } from "../../src/config/load.ts";

const good = "version: 1\njobs:\n  default: {}\n";
const uid = process.getuid?.();
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ec2-backup-load-"));
  path = join(folder, "config.yaml");
});

afterEach(() => rm(folder, { recursive: true }));

/** Skips with its reason, but never where everything has to run. */
function needs(what: string, there: boolean, { skip }: TestContext): void {
  if (there) return;
  if (process.env.CI === "true") throw new Error(`in CI this test must run, but it needs ${what}`);
  skip(`needs ${what}`);
}

function needsModes({ skip }: TestContext): void {
  skip(uid === undefined, "needs file modes, which mean nothing here");
}

async function messages(): Promise<string[]> {
  const loaded = await loadFile(path, { uid });
  if (loaded.absent === true || loaded.ok) throw new Error("no fault was found");
  return loaded.faults.map(formatFault).map((message) => message.replaceAll(folder, "DIR"));
}

async function writeGood(mode = 0o600): Promise<void> {
  await writeFile(path, good);
  await chmod(path, mode);
}

describe("a configuration file on disk", () => {
  it("is read, with its text for whoever wants to know whether it changed", async () => {
    await writeGood();
    const loaded = await loadFile(path, { uid });
    expect(loaded).toMatchObject({ ok: true, text: good, file: { name: "config.yaml" } });
  });

  it("that is not there is absent", async () => {
    expect(await loadFile(path, { uid })).toEqual({ absent: true });
    expect(await loadFile(join(folder, "no", "such", "config.yaml"), { uid })).toEqual({ absent: true });
  });

  it("may be readable by everyone", async () => {
    await writeGood(0o644);
    expect(await loadFile(path, { uid })).toMatchObject({ ok: true });
  });

  it("is faulty under its own name", async () => {
    await writeFile(path, "version: 3\n");
    await chmod(path, 0o600);
    expect(await messages()).toEqual([
      "config.yaml:1:10: version: expected 1, found 3; this release of ec2-backup reads files of version 1",
    ]);
  });

  it("must be a file", async () => {
    await mkdir(path);
    expect(await messages()).toEqual(["DIR/config.yaml: expected a file, found a directory"]);
  });

  it("must be of a sensible size", async () => {
    await writeFile(path, "#".repeat(1024 * 1024 + 1), { mode: 0o600 });
    expect(await messages()).toEqual([
      "DIR/config.yaml: expected a file of at most 1 MiB, found 1048577 bytes",
    ]);
  });

  it("must be UTF-8, which an editor on Windows may not write", async () => {
    await writeFile(path, Buffer.from(`\ufeff${good}`, "utf16le"), { mode: 0o600 });
    expect(await messages()).toEqual([
      "DIR/config.yaml: expected text in UTF-8, found bytes that are none; save the file as UTF-8",
    ]);
  });

  it("below something that is no directory is a fault, not absent", async () => {
    await writeGood();
    path = join(path, "config.yaml");
    expect(await messages()).toEqual([
      "DIR/config.yaml/config.yaml: expected a readable file, found ENOTDIR",
    ]);
  });

  it("that cannot be read is a fault with a remedy", async (context) => {
    needsModes(context);
    await writeGood(0o000);
    // Root can read every file.
    if (uid === 0) process.seteuid?.(65534);
    const found = await messages().finally(() => uid === 0 && process.seteuid?.(0));
    expect(found).toEqual([
      "DIR/config.yaml: expected a file that the agent can read, found EACCES on reading it; " +
        "run as root or let the agent read it",
    ]);
  });
});

describe("a configuration file that somebody else could write", () => {
  it.skipIf(uid === undefined).each([
    [0o620, "0620"],
    [0o602, "0602"],
    [0o666, "0666"],
  ])("by its mode %o is refused", async (mode, text) => {
    await writeGood(mode);
    expect(await messages()).toEqual([
      `DIR/config.yaml: expected a file that only its owner can write, found mode ${text}; ` +
        "chmod go-w DIR/config.yaml",
    ]);
  });

  it("because it is theirs is refused", async (context) => {
    needs("root, to give a file away", uid === 0, context);
    await writeGood();
    await chown(path, 12345, 0);
    expect(await messages()).toEqual([
      "DIR/config.yaml: expected a file owned by root, found the owner uid 12345; chown root DIR/config.yaml",
    ]);
  });

  it("is no danger if it belongs to root or to the agent's own user", async (context) => {
    needs("root, to give a file away", uid === 0, context);
    await writeGood();
    expect(await loadFile(path, { uid: 12345 })).toMatchObject({ ok: true });
    await chown(path, 12345, 0);
    expect(await loadFile(path, { uid: 12345 })).toMatchObject({ ok: true });
    expect(await loadFile(path, { uid: 12346 })).toMatchObject({ ok: false });
  });

  it.skipIf(uid === undefined).each([
    [0o707, "0707", "o-w"],
    [0o1777, "1777", "go-w"],
  ])("because of the mode %o of its directory is refused", async (mode, text, bits) => {
    await writeGood();
    await chmod(folder, mode);
    expect(await messages()).toEqual([
      `DIR: expected a directory that others cannot write, found mode ${text}; chmod ${bits} DIR`,
    ]);
  });

  it("because a group can write its directory is refused", async (context) => {
    needsModes(context);
    await writeGood();
    await chmod(folder, 0o770);
    expect(await messages()).toEqual([
      "DIR: expected a directory that its group cannot write, found mode 0770; chmod g-w DIR",
    ]);
  });

  it("because others can exchange a directory further up is refused", async (context) => {
    needsModes(context);
    const below = join(folder, "below");
    await mkdir(below, { mode: 0o700 });
    path = join(below, "config.yaml");
    await writeGood();
    await chmod(folder, 0o777);
    expect(await messages()).toEqual([
      "DIR: expected a directory that others cannot write, found mode 0777; chmod go-w DIR",
    ]);
    // As in /tmp, where only its owner can exchange what is his.
    await chmod(folder, 0o1777);
    expect(await loadFile(path, { uid })).toMatchObject({ ok: true });
  });

  it("because its directory is theirs is refused", async (context) => {
    needs("root, to give a directory away", uid === 0, context);
    await writeGood();
    await chown(folder, 12345, 0);
    expect(await messages()).toEqual([
      "DIR: expected a directory owned by root, found the owner uid 12345; chown root DIR",
    ]);
  });

  it("tells all of its dangers at once", async (context) => {
    needsModes(context);
    await writeGood(0o666);
    await chmod(folder, 0o777);
    expect(await messages()).toHaveLength(2);
  });

  it("is not judged where modes mean nothing", async () => {
    await writeGood(0o666);
    expect(await loadFile(path, { uid: undefined })).toMatchObject({ ok: true });
  });
});

describe("a symbolic link to the configuration file", () => {
  beforeEach(async () => {
    await mkdir(join(folder, "real"), { mode: 0o700 });
    await symlink(join(folder, "real", "other.yaml"), path);
  });

  it("is followed, under its own name", async () => {
    await writeFile(join(folder, "real", "other.yaml"), good, { mode: 0o600 });
    expect(await loadFile(path, { uid })).toMatchObject({ ok: true, file: { name: basename(path) } });
  });

  it("is judged by the file that it leads to", async (context) => {
    needsModes(context);
    await writeFile(join(folder, "real", "other.yaml"), good);
    await chmod(join(folder, "real", "other.yaml"), 0o666);
    await chmod(join(folder, "real"), 0o777);
    expect(await messages()).toEqual([
      "DIR/real/other.yaml: expected a file that only its owner can write, found mode 0666; " +
        "chmod go-w DIR/real/other.yaml",
      "DIR/real: expected a directory that others cannot write, found mode 0777; chmod go-w DIR/real",
    ]);
  });

  it("is refused in a directory where others could turn it elsewhere", async (context) => {
    needsModes(context);
    await writeFile(join(folder, "real", "other.yaml"), good, { mode: 0o600 });
    await chmod(folder, 0o777);
    expect(await messages()).toEqual([
      "DIR: expected a directory that others cannot write, found mode 0777; chmod go-w DIR",
    ]);
  });

  it("to nothing is a fault, not an absent file", async () => {
    expect(await messages()).toEqual(["DIR/config.yaml: expected a file, found a symbolic link to nothing"]);
  });
});
