import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { need } from "../host/places.ts";
import { agent, execute, type Start } from "./bench.ts";
import type { Context } from "./freeze-lab.ts";
import { HoldBench, isFrozen } from "./hold-bench.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

const place = "jobs.default.hooks[0].freeze.mounts";

interface Scene {
  readonly bench: HoldBench;
  /** A data disk, which nothing is wrong with by itself. */
  readonly mount: string;
}

async function scene(context: Context, ...more: readonly "raw"[]): Promise<Scene> {
  const { bench, mounts } = await HoldBench.start(context, "ext4", ...more);
  return { bench, mount: mounts[0] ?? "" };
}

/** What makes a listed mount one that must not or cannot be frozen. */
interface Refusal {
  readonly what: string;
  /** Prepares the host; the path to list, and how the agent is started. */
  readonly arrange: (
    scene: Scene,
    context: Context,
  ) => Promise<{ readonly list: string; readonly start?: Start; readonly hooks?: readonly object[] }>;
  readonly because: string;
  /** Where a host that does not know its volumes can tell as well. */
  readonly anywhere: boolean;
}

const inUse = "holds what is needed while it is frozen: ";

const refusals: readonly Refusal[] = [
  {
    what: "a directory that is no mount point",
    arrange: async ({ mount }) => {
      await mkdir(path.join(mount, "directory"));
      return { list: path.join(mount, "directory") };
    },
    because: "is no mount point: it lies on the filesystem of",
    anywhere: true,
  },
  {
    what: "a directory that is not there",
    arrange: async () => ({ list: "/no/such/directory" }),
    because: "is no mount point: it lies on the filesystem of /",
    anywhere: true,
  },
  {
    what: "a bind mount of a directory of the root filesystem",
    arrange: async ({ bench }) => {
      const source = await mkdtemp(path.join(bench.disks.directory, "source-"));
      return { list: await bench.disks.mount(source, "bound", "--bind") };
    },
    because: "is the same filesystem as /, which is the root filesystem",
    anywhere: true,
  },
  {
    what: "a filesystem in memory",
    arrange: async ({ bench }) => ({ list: await bench.disks.mount("none", "memory", "-t", "tmpfs") }),
    because: "is tmpfs, which rests on no volume and cannot be frozen",
    anywhere: true,
  },
  {
    what: "a filesystem of an instance store",
    arrange: async ({ bench }) => {
      const device = await bench.disks.attach(await bench.disks.file("store", 32));
      await bench.disks.format(device, "ext4");
      return { list: await bench.disks.mount(device, "store-mount") };
    },
    because: "rests on no volume that is captured",
    anywhere: false,
  },
  {
    what: "where the agent has its state",
    arrange: async ({ mount }) => ({
      list: mount,
      start: { env: { STATE_DIRECTORY: path.join(mount, "state") } },
    }),
    because: `${inUse}the agent's state and locks`,
    anywhere: true,
  },
  {
    what: "where the ledgers are",
    arrange: async ({ mount }) => ({
      list: mount,
      start: { env: { RUNTIME_DIRECTORY: path.join(mount, "run") } },
    }),
    because: `${inUse}the record of what is frozen`,
    anywhere: true,
  },
  {
    what: "where temporary files are",
    arrange: async ({ mount }) => ({ list: mount, start: { env: { TMPDIR: mount } } }),
    because: `${inUse}temporary files`,
    anywhere: true,
  },
  {
    what: "where the log goes",
    arrange: async ({ mount }) => ({
      list: mount,
      start: { under: ["/bin/sh", "-c", `exec "$@" 2>>${path.join(mount, "log")}`, "sh"] },
    }),
    because: `${inUse}the agent's log`,
    anywhere: true,
  },
  {
    what: "where the agent works",
    arrange: async ({ mount }) => ({
      list: mount,
      start: { under: ["/bin/sh", "-c", `cd ${mount} && exec "$@"`, "sh"] },
    }),
    because: `${inUse}the agent's working directory`,
    anywhere: true,
  },
];

/** What is listed is refused by check-config and by a run, in the same words, and is not frozen. */
async function refused(one: Refusal, context: Context, ...more: readonly "raw"[]): Promise<void> {
  const host = await scene(context, ...more);
  const { bench, mount } = host;
  const { list, start = {} } = await one.arrange(host, context);
  await bench.configure([{ freeze: [list] }]);
  const check = await bench.check(start);
  expect(check.code, check.stdout).toBe(78);
  expect(check.faults).toEqual([expect.stringContaining(`${place}: ${list} ${one.because}`)]);
  const run = await bench.run(start);
  expect(run.code, run.stdout).toBe(1);
  expect(run.report.problems.map(({ found }) => found).join()).toContain(`${list}: ${one.because}`);
  expect(run.report.stillness).toMatchObject({ achieved: "crash", hooks: [{ outcome: "failed" }] });
  expect(run.report.points[0]?.consistency).toBe("crash");
  expect(isFrozen(mount)).toBe(false);
  const elsewhere = {
    ...start,
    env: { ...start.env, AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9" },
  };
  const alone = await bench.check(elsewhere);
  expect(JSON.parse(alone.stdout)).toHaveProperty("withoutTags");
  expect(alone.faults).toEqual(one.anywhere ? check.faults : []);
  expect(alone.code).toBe(one.anywhere ? 78 : 0);
}

describe.concurrent("check-config and a run refuse to freeze", () => {
  test.for(refusals)("$what", (one, context) => refused(one, context));

  test("a filesystem whose driver cannot", async (context) => {
    need(context, isInstalled("mkfs.ntfs") && isInstalled("mount.ntfs"), "ntfs-3g");
    await refused(
      {
        what: "ntfs",
        arrange: async ({ bench }) => {
          const [, { device = "" } = {}] = bench.volumes;
          await sh("mkfs.ntfs", "-q", "-F", "-f", device);
          return { list: await bench.disks.mount(device, "mount1", "-t", "ntfs") };
        },
        because: "is fuseblk, which cannot be frozen",
        anywhere: true,
      },
      context,
      "raw",
    );
  });

  test("what the agent's own program is on", async (context) => {
    const { bench, mount } = await scene(context);
    await cp(path.dirname(agent), path.join(mount, "dist"), { recursive: true });
    await bench.configure([{ freeze: [mount] }]);
    const copy = path.join(mount, "dist", path.basename(agent));
    const env = {
      ...bench.within.simulator.environment,
      STATE_DIRECTORY: bench.within.state,
      RUNTIME_DIRECTORY: bench.runtime,
    };
    for (const [command, code] of [
      ["check-config", 78],
      ["run", 1],
    ] as const) {
      const words = [process.execPath, copy, command, "--json", "--config", bench.config];
      const ended = await execute(words, env);
      expect(ended.code, ended.stdout).toBe(code);
      expect(ended.stdout).toContain(`${inUse}the agent's program`);
    }
    expect(isFrozen(mount)).toBe(false);
  });

  test("where a hook writes its log", async (context) => {
    const { bench, mount } = await scene(context);
    const log = path.join(mount, "dump.log");
    await bench.configure([{ command: { before: "true", log } }, { freeze: [mount] }]);
    const because = `${inUse}the log of command true`;
    const check = await bench.check();
    expect(check.code).toBe(78);
    expect(check.faults).toEqual([
      expect.stringContaining(`jobs.default.hooks[1].freeze.mounts: ${mount} ${because}`),
    ]);
    // A check makes nothing.
    await expect(sh("stat", log)).rejects.toThrow("No such file");
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(run.report.problems.map(({ found }) => found).join()).toContain(because);
  });

  test("where the log file of the agent is, or its full ones are put aside", async (context) => {
    const { bench, mount } = await scene(context);
    const file = path.join(mount, "agent.log");
    const jobs = { default: { retention: { last: 20 }, hooks: [{ freeze: [mount] }] } };
    await bench.write(JSON.stringify({ version: 1, jobs, log: { file: { path: file } } }));
    const because = `${inUse}the agent's log`;
    const check = await bench.check();
    expect(check.code, check.stdout).toBe(78);
    expect(check.faults).toEqual([expect.stringContaining(`${place}: ${mount} ${because}`)]);
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(run.report.problems.map(({ found }) => found).join()).toContain(because);
    expect(isFrozen(mount)).toBe(false);
    expect(await readFile(file, "utf8")).toContain(because);
  });

  test("what the system lives on, before it looks at the host", async (context) => {
    const { bench } = await scene(context);
    const listed = ["/", "/boot", "/boot/efi", "/usr", "/var", "/tmp", "relative", "/data/", "swap"];
    await bench.configure([{ freeze: { mounts: listed } }]);
    const check = await bench.check();
    expect(check.code).toBe(78);
    expect(check.faults).toHaveLength(listed.length);
    const words = ["the root filesystem", "belongs to booting", "belongs to booting"]
      .concat(Array(3).fill("a directory that the system itself writes to"))
      .concat(["no absolute path", "not written plainly", "no filesystem: swap"]);
    for (const [index, word] of words.entries()) {
      expect(check.faults[index]).toContain(`${place}[${index}]`);
      expect(check.faults[index]).toContain(word);
    }
    const run = await bench.run();
    expect(run.code).toBe(78);
    expect(run.report.points).toEqual([]);
    expect(run.report.problems.map(({ found }) => found)).toEqual(check.faults);
  });

  test("a mount of another data filesystem is fine, on an instance and elsewhere", async (context) => {
    const { bench, mount } = await scene(context);
    await bench.configure([{ freeze: [mount] }]);
    expect(await bench.check()).toMatchObject({ code: 0, faults: [], warnings: [] });
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9" };
    expect(await bench.check({ env })).toMatchObject({ code: 0, faults: [], warnings: [] });
  });

  test("a volume that the job leaves out", async (context) => {
    const { bench, mount } = await scene(context);
    const [{ id = "" } = {}] = bench.volumes;
    await bench.configure([{ freeze: [mount] }], { volumes: { exclude: [{ id }] } });
    const check = await bench.check();
    expect([check.code, check.faults]).toEqual([
      78,
      [expect.stringContaining("jobs.default.volumes: no volume is chosen")],
    ]);
  });

  test("what is read-only; listed that is a warning, and for data there is just nothing to freeze", async (context) => {
    const { bench, mount } = await scene(context);
    await sh("mount", "-o", "remount,ro", mount);
    const because = `${mount} is mounted read-only: it is not frozen and needs not be`;
    await bench.configure([{ freeze: [mount] }]);
    const check = await bench.check();
    expect(check.code, check.stdout).toBe(0);
    expect(check.warnings).toEqual([expect.stringContaining(because)]);
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(run.report.problems.map(({ found }) => found).join()).toContain(because.replace(" is", ": is"));
    await bench.configure([{ freeze: "data" }], {}, "data");
    expect(await bench.check()).toMatchObject({ code: 0, warnings: [] });
    const still = await bench.run();
    expect(still.code, still.stderr).toBe(0);
    expect(still.report.stillness).toMatchObject({ demanded: "crash", achieved: "crash", hooks: [] });
  });
});

describe.concurrent("check-config and a run refuse", () => {
  test("a hook after the freeze, and two freezes", async (context) => {
    const { bench } = await scene(context);
    for (const hooks of [
      [{ freeze: "data" }, { command: { before: "true" } }],
      [{ freeze: "data" }, { freeze: "data" }],
    ]) {
      await bench.configure(hooks);
      const check = await bench.check();
      expect(check.code).toBe(78);
      expect(check.faults).toEqual([
        expect.stringContaining("jobs.default.hooks[0].freeze: expected freeze as the last hook of the job"),
      ]);
      expect((await bench.run()).code).toBe(78);
    }
  });

  test("a program that others can write, or that is not there", async (context) => {
    const { bench } = await scene(context);
    const program = path.join(bench.folder, "program");
    await writeFile(program, "#!/bin/sh\ntouch $(dirname $0)/ran\n");
    await sh("chmod", "0777", program);
    for (const [before, words] of [
      [
        program,
        `cannot trust the program ${program}: ${program} should be a file that only its owner can write`,
      ],
      ["/no/such/program", "cannot find the program /no/such/program: there is no such file"],
    ] as const) {
      await bench.configure([{ command: { before: [before] } }]);
      const check = await bench.check();
      expect(check.code).toBe(78);
      expect(check.faults).toEqual([expect.stringContaining(`jobs.default.hooks[0].command: ${words}`)]);
      const run = await bench.run();
      expect(run.code).toBe(1);
      expect(run.report.stillness?.hooks).toMatchObject([{ outcome: "failed" }]);
    }
    await expect(sh("stat", path.join(bench.folder, "ran"))).rejects.toThrow("No such file");
    await rm(program);
  });

  test("files with passwords that others can read", async (context) => {
    const { bench } = await scene(context);
    const optionFile = path.join(bench.folder, "my.cnf");
    const passwordFile = path.join(bench.folder, "password");
    await writeFile(optionFile, "[client]\npassword=open-sesame\n", { mode: 0o644 });
    await writeFile(passwordFile, "open-sesame\n", { mode: 0o644 });
    const hooks = [
      { mysql: { optionFile } },
      { redis: { passwordFile, socket: "/nowhere" } },
      { mongodb: { user: "backup", passwordFile } },
    ];
    await bench.configure(hooks);
    const check = await bench.check();
    expect(check.code).toBe(78);
    expect(check.faults).toEqual(
      hooks.map((hook, index) =>
        expect.stringMatching(
          new RegExp(`^jobs\\.default\\.hooks\\[${index}\\]\\.${Object.keys(hook)[0]}: .*mode 0644`),
        ),
      ),
    );
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(run.report.problems.filter(({ found }) => found.includes("mode 0644"))).toHaveLength(3);
    expect(check.stdout + check.stderr + run.stdout + run.stderr).not.toContain("open-sesame");
    await sh("chmod", "0600", optionFile, passwordFile);
    expect(await bench.check()).toMatchObject({ code: 0, faults: [] });
  });

  test("a configuration that others can write: its hooks are not run", async (context) => {
    const { bench } = await scene(context);
    const ran = path.join(bench.folder, "ran");
    await bench.configure([{ command: { before: `touch ${ran}` } }]);
    await sh("chmod", "0666", bench.config);
    expect(await bench.check()).toMatchObject({ code: 78, faults: [expect.stringContaining("mode 0666")] });
    expect((await bench.run()).code).toBe(78);
    await expect(sh("stat", ran)).rejects.toThrow("No such file");
  });
});

test("with a faulty file a run holds still as the last good one says, unless others could have written that", async (context) => {
  const { bench, mount } = await scene(context);
  const count = path.join(bench.folder, "count");
  const before = `echo held >> ${count}`;
  await bench.configure([{ command: { before } }, { freeze: "data" }]);
  expect((await bench.run()).code).toBe(0);
  await bench.write("version: 1\njobs: { default: { hooks: [ { freeze: /data } ] } }");
  const kept = await bench.run();
  expect(kept.code).toBe(1);
  expect(kept.report.stillness).toMatchObject({ achieved: "application", demanded: "application" });
  expect(await sh("cat", count)).toBe("held\nheld");
  for (const file of [path.join(bench.state, "last-good.json"), bench.state]) {
    await sh("chmod", "o+w", file);
    const run = await bench.run();
    expect(run.code, file).toBe(78);
    expect(run.report.points).toEqual([]);
    expect(run.report.problems.map(({ found }) => found).join()).toMatch(
      new RegExp(`the last good configuration is not used: ${file} should be a (file|directory) that`),
    );
    await sh("chmod", "o-w", file);
  }
  expect(await sh("cat", count)).toBe("held\nheld");
  expect((await bench.run()).code).toBe(1);
  expect(await sh("cat", count)).toBe("held\nheld\nheld");
  expect(isFrozen(mount)).toBe(false);
});
