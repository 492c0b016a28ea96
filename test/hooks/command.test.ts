import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BackupError } from "../../src/core/errors.ts";
import type { PreparedHook } from "../../src/core/hook.ts";
import type { CommandHookConfig } from "../../src/core/hook-config.ts";
import { commandHook } from "../../src/hooks/command.ts";
import { folder, has, isLinux, isRoot, need } from "../host/places.ts";
import { canMountSilent, mountSilent, silentNeeds } from "../host/silent-mount.ts";
import { openFiles, processesSaying, processesWith, zombies } from "./processes.ts";
import { journalOf, program, programs } from "./programs.ts";

const facts = {
  job: "default",
  run: "0198",
  trigger: "manual",
  instanceId: "i-0123456789abcdef0",
  volumes: ["vol-1", "vol-2"],
};
const never = new AbortController().signal;
const grace = 200;

/** A hook of one test, and the journal of its programs. */
async function bench(config: Partial<CommandHookConfig>) {
  const mark = randomUUID();
  const directory = await folder();
  await chmod(directory, 0o755);
  const journal = path.join(directory, "journal");
  const hook = commandHook(
    {
      kind: "command",
      name: "command of the test",
      timeout: 10_000,
      onFailure: "abort",
      ...config,
      env: { MARK: mark, JOURNAL: journal, ...config.env },
    },
    { uid: process.getuid?.(), kill: (pid, signal) => process.kill(pid, signal), grace, drain: 100 },
  );
  const left = () => processesWith(`MARK=${mark}`);
  onTestFinished(() => {
    for (const one of left()) process.kill(Number(one.split(" ")[0]), "SIGKILL");
  });
  const prepared = (): Promise<PreparedHook> => hook.prepare(facts, never);
  return { hook, directory, journal, left, prepared, entries: () => journalOf(journal) };
}

/** What the hook refuses with. */
async function refusalOf(promise: Promise<unknown>): Promise<BackupError> {
  const error = await promise.then(
    () => expect.fail("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof BackupError) return error;
  throw error;
}

describe.each(["abort", "continue"] as const)("with onFailure %s", (onFailure) => {
  test.each(programs)("a before that $name", async ({ name, succeeds, ...rest }) => {
    const directory = await folder();
    const before = await program(name, directory);
    const after = await program("succeeds", directory);
    const timeout = succeeds ? 10_000 : 400;
    const { hook, entries, left, prepared } = await bench({
      before: [before, "before"],
      after: [after, "after"],
      timeout,
      onFailure,
    });
    expect(hook.onFailure).toBe(onFailure);
    const ready = await prepared();
    const began = performance.now();
    if (succeeds) {
      const held = await ready.hold(never);
      expect(left()).toHaveLength(name === "forks-survivor" ? 1 : 0);
      const holding = await held.release(true);
      expect(holding).toEqual({
        held: true,
        problems: [],
        facts: { before: expect.stringMatching(/^\d+ ms$/), after: expect.stringMatching(/^\d+ ms$/) },
      });
      expect(await entries()).toEqual(["before", "after"]);
    } else {
      const error = await refusalOf(ready.hold(never));
      expect(error).toMatchObject({ kind: "refused", doing: "run before of command of the test" });
      expect(error.found).toMatch("found" in rest ? rest.found : /never/);
      expect(await entries()).toEqual(["before"]);
    }
    expect(performance.now() - began).toBeLessThan(20_000);
    await ready.close();
    expect(left()).toEqual([]);
    expect(zombies()).toEqual([]);
  });
});

test.each(programs)("an after that $name leaves the point held", async ({ name, succeeds, ...rest }) => {
  const directory = await folder();
  const after = await program(name, directory);
  const { entries, left, prepared } = await bench({
    after: [after, "after"],
    timeout: succeeds ? 10_000 : 400,
  });
  const ready = await prepared();
  const holding = await (await ready.hold(never)).release(false);
  expect(holding.held).toBe(true);
  expect(holding.problems).toEqual(
    succeeds
      ? []
      : [
          expect.objectContaining({
            doing: "run after of command of the test",
            found: expect.stringMatching("found" in rest ? rest.found : /never/),
          }),
        ],
  );
  expect(await entries()).toEqual(["after"]);
  await ready.close();
  expect(left()).toEqual([]);
  expect(zombies()).toEqual([]);
});

test("it can be held again after a release, and a release that is asked for twice happens once", async () => {
  const { entries, prepared } = await bench({
    before: 'echo before >>"$JOURNAL"',
    after: 'echo after >>"$JOURNAL"',
  });
  const ready = await prepared();
  for (let round = 0; round < 2; round++) {
    const held = await ready.hold(never);
    expect(await held.release(true)).toBe(await held.release(false));
  }
  expect(await entries()).toEqual(["before", "after", "before", "after"]);
});

test("what before leaves in its group lives until after has run, and what began a session of its own for longer", async () => {
  const before = "sleep 300 & setsid sleep 301 >/dev/null 2>&1 & exit 0";
  const { left, prepared } = await bench({ before, after: "true" });
  const ready = await prepared();
  const held = await ready.hold(never);
  await vi.waitFor(() =>
    expect(left().map((one) => one.replace(/^\d+ /, "").trim())).toEqual(["sleep 300", "sleep 301"]),
  );
  await held.release(true);
  expect(left().map((one) => one.replace(/^\d+ /, "").trim())).toEqual(["sleep 301"]);
});

test("a before that fails has none of its children left, and a hook that is closed while held neither", async () => {
  const failing = await bench({ before: "sleep 300 & exit 1" });
  await refusalOf((await failing.prepared()).hold(never));
  expect(failing.left()).toEqual([]);
  const holding = await bench({ before: "sleep 300 & exit 0" });
  const ready = await holding.prepared();
  await ready.hold(never);
  expect(holding.left()).toHaveLength(1);
  await ready.close();
  expect(holding.left()).toEqual([]);
});

test("a child that keeps the output open keeps nobody waiting, in a session of its own either", async () => {
  const { prepared } = await bench({ before: "setsid sleep 300 & echo printed" });
  const ready = await prepared();
  const began = performance.now();
  await (await ready.hold(never)).release(true);
  expect(performance.now() - began).toBeLessThan(20_000);
});

describe("a run that is told to stop", () => {
  test("ends before at once, with all its children", async () => {
    const { left, prepared } = await bench({
      before: "sleep 300 & sleep 300",
      after: 'echo after >>"$JOURNAL"',
    });
    const ready = await prepared();
    const stop = new AbortController();
    const holding = refusalOf(ready.hold(stop.signal));
    await vi.waitFor(() => expect(left()).toHaveLength(3));
    const began = performance.now();
    stop.abort();
    expect(await holding).toMatchObject({ kind: "interrupted" });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(left()).toEqual([]);
  });

  test("does not begin before", async () => {
    const { entries, prepared } = await bench({ before: 'echo before >>"$JOURNAL"' });
    expect(await refusalOf((await prepared()).hold(AbortSignal.abort()))).toMatchObject({
      kind: "interrupted",
    });
    expect(await entries()).toEqual([]);
  });

  test("lets after run to its end", async () => {
    const { entries, prepared } = await bench({ after: 'sleep 0.3; echo after >>"$JOURNAL"' });
    const stop = new AbortController();
    const held = await (await prepared()).hold(stop.signal);
    const released = held.release(false);
    stop.abort();
    expect((await released).problems).toEqual([]);
    expect(await entries()).toEqual(["after"]);
  });
});

describe("the environment", () => {
  test("is the facts, what is configured and nothing of the agent's", async (context) => {
    need(context, isLinux, "/usr/bin/env of Linux");
    const own = {
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "secret",
      https_proxy: "http://u:p@proxy",
    };
    for (const [name, value] of Object.entries(own)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { journal, prepared } = await bench({
      before: '/usr/bin/env >"$JOURNAL.before"; pwd >>"$JOURNAL.before"; wc -c >>"$JOURNAL.before"',
      after: '/usr/bin/env >"$JOURNAL.after"',
      env: { WITH: "1", EC2_BACKUP_JOB: "another" },
    });
    await (await (await prepared()).hold(never)).release(true);
    const lines = async (which: string) =>
      (await readFile(`${journal}.${which}`, "utf8")).trim().split("\n").sort();
    const before = [
      "/",
      "0",
      "EC2_BACKUP_HOOK=before",
      "EC2_BACKUP_INSTANCE_ID=i-0123456789abcdef0",
      "EC2_BACKUP_JOB=default",
      "EC2_BACKUP_RUN=0198",
      "EC2_BACKUP_TRIGGER=manual",
      "EC2_BACKUP_VOLUMES=vol-1 vol-2",
      expect.stringMatching(/^HOME=\//),
      expect.stringMatching(/^JOURNAL=/),
      "LANG=C.UTF-8",
      expect.stringMatching(/^LOGNAME=/),
      expect.stringMatching(/^MARK=/),
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "PWD=/",
      "SHELL=/bin/sh",
      expect.stringMatching(/^USER=/),
      "WITH=1",
    ];
    expect(await lines("before")).toEqual(before);
    expect(await lines("after")).toEqual([
      "EC2_BACKUP_CAPTURED=yes",
      ...before.slice(2).map((one) => (one === "EC2_BACKUP_HOOK=before" ? "EC2_BACKUP_HOOK=after" : one)),
    ]);
  });

  test("tells after when no point was made", async () => {
    const { entries, prepared } = await bench({ after: 'echo "$EC2_BACKUP_CAPTURED" >>"$JOURNAL"' });
    await (await (await prepared()).hold(never)).release(false);
    expect(await entries()).toEqual(["no"]);
  });

  test("has a PATH that may be configured, and the program is looked for in it", async () => {
    const { directory, entries, prepared } = await bench({
      before: ["succeeds", "found"],
      env: { PATH: "/nowhere" },
    });
    const error = await refusalOf(prepared());
    expect(error.message).toBe(
      "cannot find the program succeeds: none in PATH=/nowhere; write its whole path, or set PATH under env",
    );
    await program("succeeds", directory);
    const again = await bench({
      before: ["succeeds", "found"],
      env: { PATH: `${directory}:/usr/bin:/bin`, JOURNAL: path.join(directory, "journal") },
    });
    await (await again.prepared()).hold(never);
    expect(await entries()).toEqual(["found"]);
  });
});

describe("what a command prints", () => {
  test("is told with its end only, and how much was not kept", async () => {
    const { prepared } = await bench({
      before: "head -c 1048576 /dev/zero | tr '\\0' x; echo; echo the end >&2; exit 1",
    });
    const error = await refusalOf((await prepared()).hold(never));
    expect(error.found).toMatch(
      /^it ended with 1; its last output: \.\.\.x+ \| the end \(1040393 bytes before that were not kept\)$/,
    );
    expect(error.found.length).toBeLessThan(2_200);
  });

  test("keeps the order of both outputs, and may go through /dev/stderr", async () => {
    const { prepared } = await bench({ before: "echo 1; echo 2 >&2; echo 3; echo 4 >/dev/stderr; exit 1" });
    expect((await refusalOf((await prepared()).hold(never))).found).toBe(
      "it ended with 1; its last output: 1 | 2 | 3 | 4",
    );
  });

  test("can do no harm to a terminal, and need be no text", async () => {
    const { prepared } = await bench({
      before: "printf 'a\\033[2Jb\\007\\r\\377\\302\\233c\\342\\200\\256d\\n'; exit 1",
    });
    expect((await refusalOf((await prepared()).hold(never))).found).toBe(
      "it ended with 1; its last output: a\\u{1b}[2Jb\\u{7} | \u{fffd}\\u{9b}c\\u{202e}d",
    );
  });

  test("and a signal that ended it are told", async () => {
    const { prepared } = await bench({ before: "kill -SEGV $$" });
    expect((await refusalOf((await prepared()).hold(never))).found).toBe(
      "it was ended by SIGSEGV; it printed nothing",
    );
  });

  test("with a program that the shell does not find, the PATH is told", async () => {
    const { prepared } = await bench({ before: "no-such-program" });
    expect((await refusalOf((await prepared()).hold(never))).message).toMatch(
      /it ended with 127; .*no-such-program: not found; write whole paths, or set PATH under env; it was \/usr\/local\/sbin:/,
    );
  });
});

describe("the log", () => {
  test("has the whole output of both, for its owner alone, and is closed while the point is held", async (context) => {
    need(context, isLinux, "/proc of Linux");
    const log = path.join(await folder(), "log");
    const { prepared } = await bench({
      before: "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo done",
      after: "echo after",
      log,
    });
    const held = await (await prepared()).hold(never);
    expect(openFiles()).not.toContain(log);
    const first = await readFile(log, "utf8");
    expect(first).toMatch(/^\S+Z job default, run 0198: before\nx{1000000}\ndone\n$/);
    await held.release(true);
    expect((await readFile(log, "utf8")).slice(first.length)).toMatch(
      /^\S+Z job default, run 0198: after\nafter\n$/,
    );
    expect((await stat(log)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["a symbolic link", "ln -s /etc/passwd log", "a symbolic link"],
    ["a file with two names", "echo >other; ln other log", "a file that has another name as well"],
    ["a pipe", "mkfifo log", "a pipe"],
    ["a directory", "mkdir log", "EISDIR"],
  ])("is not written to %s", async (_, make, found) => {
    const directory = await folder();
    execFileSync("/bin/sh", ["-c", make], { cwd: directory });
    const { entries, prepared } = await bench({
      before: 'echo >>"$JOURNAL"',
      log: path.join(directory, "log"),
    });
    expect(await refusalOf(prepared())).toMatchObject({ kind: "cannot-write", found });
    expect(await entries()).toEqual([]);
  });

  test("is not opened where its server does not answer, and nobody waits there", async (context) => {
    need(context, isLinux && canMountSilent, silentNeeds);
    const place = path.join(await folder(), "share");
    await mountSilent(place);
    const log = path.join(place, "log");
    const { entries, prepared } = await bench({ before: 'echo >>"$JOURNAL"', log });
    expect(await refusalOf(prepared())).toMatchObject({
      kind: "cannot-write",
      doing: `open the log ${log}`,
      found: expect.stringContaining(`fuse.silent at ${place} has not answered in 3 s`),
    });
    expect(await entries()).toEqual([]);
    await expect.poll(() => processesSaying(`stat -f -- ${place}`)).toEqual([]);
  });

  test("that cannot be written any more is a problem, and after runs all the same", async (context) => {
    need(context, isRoot, "root, whose log alone may not be another user's");
    const log = path.join(await folder(), "log");
    const { entries, prepared } = await bench({
      before: `rm ${log}; ln -s /nowhere ${log}`,
      after: 'echo after >>"$JOURNAL"',
      log,
    });
    const holding = await (await (await prepared()).hold(never)).release(true);
    expect(holding.problems).toEqual([
      expect.objectContaining({
        kind: "cannot-write",
        doing: `write the log ${log}`,
        found: expect.stringContaining("a symbolic link"),
      }),
    ]);
    expect(await entries()).toEqual(["after"]);
  });
});

describe("another user", () => {
  test("has its own groups, home and name, and none of the agent's", async (context) => {
    need(context, isLinux && isRoot && has("setpriv"), "root and setpriv(1)");
    const { prepared } = await bench({
      before:
        'id -u; id -g; id -G; echo "$HOME $USER"; grep -E "^(Groups|CapEff)" /proc/self/status; echo err >/dev/stderr; exit 1',
      user: "nobody",
    });
    expect(process.getgroups?.().length).toBeGreaterThan(0);
    const error = await refusalOf((await prepared()).hold(never));
    expect(error.found).toMatch(
      /last output: 65534 \| 65534 \| 65534 \| \S+ nobody \| Groups: 65534 \| CapEff: 0000000000000000 \| err$/,
    );
  });

  test("keeps the supplementary groups that are its own", async (context) => {
    need(context, isLinux && isRoot && has("useradd") && has("setpriv"), "root, useradd(8) and setpriv(1)");
    const name = `ec2b${randomUUID().slice(0, 8)}`;
    onTestFinished(() => {
      execFileSync("userdel", [name]);
    });
    execFileSync("useradd", ["--no-create-home", "--user-group", "--groups", "daemon,tty", name]);
    const { prepared } = await bench({ before: "id -Gn | tr ' ' '\\n' | sort; exit 1", user: name });
    expect((await refusalOf((await prepared()).hold(never))).found).toContain(`daemon | ${name} | tty`);
  });

  test("that does not exist, or that the agent cannot become, is refused", async (context) => {
    expect(await refusalOf((await bench({ before: "true", user: "no-such-user" })).prepared())).toMatchObject(
      {
        kind: "configuration",
        found: "there is no user no-such-user",
      },
    );
    need(context, isLinux, "getent(1)");
    const other = commandHook(
      {
        kind: "command",
        name: "c",
        before: "true",
        user: "root",
        env: {},
        timeout: 1_000,
        onFailure: "abort",
      },
      { uid: 12_345, kill: () => undefined },
    );
    expect(await refusalOf(other.prepare(facts, never))).toMatchObject({
      found: "the agent is no root (uid 12345) and cannot become root",
      remedy: "run the agent as root",
    });
  });

  test("must be able to execute the program", async (context) => {
    need(context, isLinux && isRoot && has("setpriv"), "root and setpriv(1)");
    const { directory } = await bench({});
    const file = await program("succeeds", directory);
    await chmod(file, 0o700);
    const config = { before: [file, "before"], user: "nobody" };
    expect((await refusalOf((await bench(config)).prepared())).message).toBe(
      `cannot find the program ${file}: ${file} may not be executed by the user nobody (owner uid 0, mode 0700); ` +
        `chmod a+x ${file}, and let the user into the directories above`,
    );
    await chmod(file, 0o755);
    await chmod(directory, 0o700);
    await expect((await bench(config)).prepared()).rejects.toThrow(/may not be executed by the user nobody/);
  });
});

describe("a program that cannot be meant", () => {
  test.each([
    [
      "missing",
      "/nowhere/dump",
      "cannot find the program /nowhere/dump: there is no such file; install it, or correct the path",
    ],
    [
      "relative",
      "bin/dump",
      "cannot find the program bin/dump: a relative path; write its whole path, since commands are run in /",
    ],
    ["a directory", "/usr/bin", "cannot find the program /usr/bin: /usr/bin is no file"],
    [
      "no program",
      "/etc/passwd",
      expect.stringMatching(
        /^cannot find the program \/etc\/passwd: \/etc\/passwd may not be executed by the agent's user/,
      ),
    ],
  ])("since it is %s is refused", async (_, name, message) => {
    const { prepared } = await bench({ after: [name] });
    expect((await refusalOf(prepared())).message).toEqual(message);
  });

  test("because its words are too many for the system fails as it is run", async () => {
    const { prepared } = await bench({ before: ["/bin/true", "x".repeat(4_000_000)], after: ["/bin/true"] });
    const ready = await prepared();
    const files = openFiles().length;
    expect(await refusalOf(ready.hold(never))).toMatchObject({
      kind: "configuration",
      found: "it cannot be started (E2BIG)",
    });
    expect(openFiles()).toHaveLength(files);
  });

  test("because its interpreter is missing fails as it is run", async () => {
    const file = path.join(await folder(), "script");
    await writeFile(file, "#!/nowhere/sh\n", { mode: 0o755 });
    const { prepared } = await bench({ before: [file] });
    expect((await refusalOf((await prepared()).hold(never))).message).toBe(
      `cannot run ${file}: it cannot be started (ENOENT); check the file, and the interpreter that its first line names`,
    );
  });
});

describe("a program that somebody else could change", () => {
  async function refused(change: (file: string, directory: string) => Promise<unknown>, user?: string) {
    const { directory } = await bench({});
    const below = path.join(directory, "bin");
    await mkdir(below, { mode: 0o755 });
    const file = await program("succeeds", below);
    const named = (await change(file, directory)) ?? file;
    const config = { before: [String(named), "before"], ...(user === undefined ? {} : { user }) };
    const outcome = await (await bench(config)).prepared().then(
      () => "trusted",
      (error: Error) => error.message,
    );
    return outcome.replaceAll(directory, "DIR");
  }

  test("by nobody is trusted", async () => {
    expect(await refused(async () => undefined)).toBe("trusted");
  });

  test.each([
    ["its group", 0o775, "mode 0775"],
    ["everybody", 0o757, "mode 0757"],
  ])("by its mode, being %s, is refused", async (_, mode, found) => {
    expect(await refused((file) => chmod(file, mode))).toBe(
      `cannot trust the program DIR/bin/succeeds: DIR/bin/succeeds should be a file that only its owner can write, but has ${found}; chmod go-w DIR/bin/succeeds`,
    );
  });

  test.each([
    [0o777, "others", "go-w"],
    [0o775, "its group", "g-w"],
    [0o757, "others", "o-w"],
    [0o1777, "others", "go-w"],
  ])("by the mode %o of its directory is refused", async (mode, who, bits) => {
    expect(await refused((file) => chmod(path.dirname(file), mode))).toBe(
      `cannot trust the program DIR/bin/succeeds: DIR/bin should be a directory that ${who} cannot write, ` +
        `but has mode ${mode.toString(8).padStart(4, "0")}; chmod ${bits} DIR/bin`,
    );
  });

  test.each([
    ["a word of a list", (file: string) => ["/usr/bin/env", file]],
    ["a script for a shell", (file: string) => ["/bin/sh", file]],
    ["a line", (file: string) => `cd / && ${file} now >/dev/null`],
    ["a line's script", (file: string) => `sh ${file}`],
  ])("is found in %s", async (what, wordsOf) => {
    const { directory } = await bench({});
    const file = await program("succeeds", directory);
    await chmod(file, what.includes("script") ? 0o666 : 0o777);
    const prepared = (await bench({ before: wordsOf(file) })).prepared();
    await expect(prepared).rejects.toThrow(/cannot trust the program .*succeeds/);
    await chmod(file, 0o755);
    await expect((await bench({ before: wordsOf(file) })).prepared()).resolves.toBeDefined();
  });

  test("is no file that a program is to read or write", async () => {
    const { directory } = await bench({});
    const file = path.join(directory, "data");
    await writeFile(file, "", { mode: 0o666 });
    await chmod(file, 0o666);
    await expect((await bench({ before: ["/usr/bin/touch", file] })).prepared()).resolves.toBeDefined();
    await expect((await bench({ before: `touch ${file}` })).prepared()).resolves.toBeDefined();
  });

  test("by a directory further up is refused, unless entries there belong to their owners", async () => {
    expect(await refused((_, directory) => chmod(directory, 0o777))).toMatch(
      /: DIR should be a directory that others/,
    );
    expect(await refused((_, directory) => chmod(directory, 0o1777))).toBe("trusted");
  });

  test("through a link is refused where the link lies, and where it leads to", async () => {
    const linked = async (file: string, directory: string) => {
      await mkdir(path.join(directory, "links"), { mode: 0o755 });
      const link = path.join(directory, "links", "dump");
      await symlink("../bin/succeeds", link);
      return { file, link, links: path.join(directory, "links") };
    };
    expect(await refused(async (file, directory) => (await linked(file, directory)).link)).toBe("trusted");
    const lies = await refused(async (file, directory) => {
      const { link, links } = await linked(file, directory);
      await chmod(links, 0o777);
      return link;
    });
    expect(lies).toMatch(
      /^cannot trust the program DIR\/links\/dump: DIR\/links should be a directory that others/,
    );
    const leads = await refused(async (file, directory) => {
      await chmod(file, 0o777);
      return (await linked(file, directory)).link;
    });
    expect(leads).toMatch(/^cannot trust the program DIR\/links\/dump: DIR\/bin\/succeeds should be a file/);
  });

  test("as its owner is refused, unless it runs as that owner", async (context) => {
    need(context, isRoot && has("setpriv"), "root, to give a file away, and setpriv(1)");
    const give = async (file: string) => {
      await chown(file, 65_534, 65_534);
    };
    expect(await refused(give)).toBe(
      "cannot trust the program DIR/bin/succeeds: DIR/bin/succeeds should be a file owned by root, but has the owner uid 65534; chown root DIR/bin/succeeds",
    );
    expect(await refused((file) => chown(path.dirname(file), 65_534, 65_534))).toMatch(
      /: DIR\/bin should be a directory owned by root, but has the owner uid 65534; chown root DIR\/bin$/,
    );
    expect(await refused(give, "nobody")).toBe("trusted");
    expect(await refused(give, "daemon")).toMatch(
      /owned by root or by the user daemon \(uid 1\), but has the owner/,
    );
  });
});
