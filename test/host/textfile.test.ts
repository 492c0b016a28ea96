import { execFile, execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { samplesOf, textOf } from "../../src/core/prometheus.ts";
import { fileLocks } from "../../src/host/lock.ts";
import { rewriteTextfile, textfileName } from "../../src/host/textfile.ts";
import { captured, report } from "../core/reports.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";

const full = report({
  points: [captured],
  settleMs: 90_000,
  stillness: { demanded: "application", achieved: "filesystem", hooks: [], frozenMs: 87 },
  series: {
    complete: 7,
    newestComplete: { captured: "2027-03-27T01:00:00.000Z", bytes: 5_000, ageSeconds: 86_400 },
    volumes: [{ volume: "v", device: "/dev/xvda", newest: "2027-03-26T01:00:00.000Z", bytes: 1_000 }],
  },
});
const text = textOf([
  ...samplesOf(full, "i-1", { perVolume: true }),
  ...samplesOf({ ...full, job: 'an"other\\' }, "i-1", { perVolume: true }),
]);

async function places(): Promise<{ directory: string; file: string; locks: string }> {
  const home = await folder();
  const directory = path.join(home, "textfile");
  await mkdir(directory);
  return { directory, file: path.join(directory, textfileName), locks: path.join(home, "locks") };
}

test("the file is changed as a whole, readable by everybody, and leaves nothing beside it", async () => {
  const { directory, file, locks } = await places();
  const before = process.umask(0o077);
  onTestFinished(() => void process.umask(before));
  await rewriteTextfile(directory, fileLocks(locks), (there) => `${there}a\n`);
  await rewriteTextfile(directory, fileLocks(locks), (there) => `${there}b\n`);
  expect(await readFile(file, "utf8")).toBe("a\nb\n");
  expect(await readdir(directory)).toEqual([textfileName]);
  if (process.platform !== "win32") expect((await stat(file)).mode & 0o777).toBe(0o644);
});

test("a directory that is not there is not made, and said to be missing", async () => {
  const { directory, locks } = await places();
  const missing = path.join(directory, "none");
  await expect(rewriteTextfile(missing, fileLocks(locks), () => "")).rejects.toMatchObject({
    kind: "cannot-write",
    found: "ENOENT",
    remedy: expect.stringContaining("--collector.textfile.directory"),
  });
  expect(await readdir(directory)).toEqual([]);
  const file = path.join(directory, "file");
  await writeFile(file, "");
  await expect(rewriteTextfile(file, fileLocks(locks), () => "")).rejects.toMatchObject({
    found: "something that is no directory",
  });
});

test("what somebody put in our place is neither followed nor waited for", async (context) => {
  need(context, has("mkfifo"), "mkfifo");
  const { directory, file, locks } = await places();
  const victim = path.join(directory, "victim");
  await writeFile(victim, "precious\n");
  await symlink(victim, file);
  await rewriteTextfile(directory, fileLocks(locks), (there) => `${there}ours\n`);
  expect(await readFile(victim, "utf8")).toBe("precious\n");
  expect(await readFile(file, "utf8")).toBe("ours\n");
  await promisify(execFile)("mkfifo", [path.join(directory, "fifo")]);
  await promisify(execFile)("mv", [path.join(directory, "fifo"), file]);
  await rewriteTextfile(directory, fileLocks(locks), (there) => `${there}again\n`);
  expect(await readFile(file, "utf8")).toBe("again\n");
});

test("what cannot be changed stays as it was", async () => {
  const { directory, file, locks } = await places();
  await writeFile(file, "before\n");
  const broken = () => {
    throw new Error("broken");
  };
  await expect(rewriteTextfile(directory, fileLocks(locks), broken)).rejects.toMatchObject({
    kind: "cannot-write",
  });
  expect(await readFile(file, "utf8")).toBe("before\n");
  expect(await readdir(directory)).toEqual([textfileName]);
  // The lock was given back.
  await rewriteTextfile(directory, fileLocks(locks), () => "after\n");
  expect(await readFile(file, "utf8")).toBe("after\n");
});

test("on a full disk the advice is to make room, not to name another directory", async (context) => {
  need(context, isLinux && isRoot && has("mount"), "root on Linux and mount");
  const { directory, file, locks } = await places();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", directory]);
  context.onTestFinished(() => void execFileSync("umount", ["--lazy", directory]));
  await writeFile(file, "before\n");
  await expect(rewriteTextfile(directory, fileLocks(locks), () => "x".repeat(20_000))).rejects.toMatchObject({
    kind: "cannot-write",
    doing: `write ${file}`,
    found: "ENOSPC",
    remedy: "free some space",
  });
  expect(await readFile(file, "utf8")).toBe("before\n");
  expect(await readdir(directory)).toEqual([textfileName]);
});

test("runs of several jobs at the same time lose nothing of one another, and a reader never sees half", async () => {
  const { directory, file, locks } = await places();
  const times = 10;
  const jobs = ["a", "b", "c"];
  const [program = "", ...before] = node;
  const writer = path.join(import.meta.dirname, "textfile-writer.ts");
  let running = true;
  const reading = (async () => {
    while (running) {
      const seen = await readFile(file, "utf8").catch(() => "\n");
      expect(seen.endsWith("\n")).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const words = (job: string) => [...before, writer, directory, locks, job, String(times)];
  await Promise.all(jobs.map((job) => promisify(execFile)(program, words(job))));
  running = false;
  await reading;
  const lines = (await readFile(file, "utf8")).trim().split("\n").sort();
  expect(lines).toEqual(jobs.map((job) => `${job} ${times}`));
});

test("promtool finds nothing to complain of", async (context) => {
  need(context, has("promtool"), "promtool (package prometheus)");
  const child = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => {
      said += more;
    });
  child.stdin.end(text);
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect({ code, said }).toEqual({ code: 0, said: "" });
});

test("node_exporter takes the file and gives every value of it", async (context) => {
  need(context, has("prometheus-node-exporter"), "prometheus-node-exporter");
  const { directory, locks } = await places();
  await chmod(directory, 0o755);
  await rewriteTextfile(directory, fileLocks(locks), () => text);
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn(
    "prometheus-node-exporter",
    [
      "--collector.disable-defaults",
      "--collector.textfile",
      `--collector.textfile.directory=${directory}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const gone = new Promise((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  const page = await scraped(`http://127.0.0.1:${port}/metrics`);
  expect(page).toContain("node_textfile_scrape_error 0");
  const values = text.split("\n").filter((line) => line.startsWith("ec2_backup_"));
  expect(values.length).toBeGreaterThan(15);
  const given = page.split("\n").filter((line) => line.startsWith("ec2_backup_"));
  expect(given.map(plain).sort()).toEqual(values.map(plain).sort());
});

/** A line as name, labels in order and number, since the exporter writes them in another order. */
function plain(line: string): string {
  const [, name, labels = "", value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
  const pairs = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair).sort();
  return `${name} ${pairs.join(" ")} ${Number(value)}`;
}

/** What the exporter says, once it is there. */
async function scraped(url: string): Promise<string> {
  for (let left = 100; ; left -= 1) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
