import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { build } from "../packages/build.ts";
import { Stack, templateNamed } from "./cloudformation.ts";
import { withoutDisks } from "./mount-namespace.ts";

interface Parameter {
  readonly allowedPattern?: string;
  readonly allowedValues?: readonly string[];
  readonly default?: string;
}

interface Document {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly mainSteps: readonly {
    readonly name: string;
    readonly action: string;
    readonly precondition: unknown;
    readonly inputs: { readonly runCommand: readonly string[] };
  }[];
}

const sum = "0".repeat(64);
const template = templateNamed("fleet");
const stackOf = (more: Record<string, string> = {}) =>
  new Stack(template, { Source: "s3://packages/ec2-backup", Version: "0.1.0", Sums: sum, ...more });
const document = stackOf().property<Document>("Document", "Content");

/** The commands of a step as Systems Manager hands them to the shell: parameters are put in as text, if they may be. */
function commandsOf(step: string, given: Readonly<Record<string, string>>): string {
  const values = Object.entries(document.parameters).map(([name, one]) => {
    const value = given[name] ?? one.default ?? "";
    const fits = one.allowedValues?.includes(value) ?? new RegExp(one.allowedPattern ?? "").test(value);
    if (!fits) throw new Error(`${name}: ${value} is not allowed`);
    return [name, value] as const;
  });
  const texts = document.mainSteps.find(({ name }) => name === step)?.inputs.runCommand ?? [];
  return values.reduce((text, [name, value]) => text.replaceAll(`{{ ${name} }}`, value), texts.join("\n"));
}

test("what State Manager hands over fits the document, with and without a configuration", () => {
  for (const [Configuration, handed] of [
    ["", "none"],
    [sum, sum],
  ] as const) {
    const stack = stackOf({ Configuration });
    const parameters = stack.property<Record<string, readonly string[]>>("Association", "Parameters");
    const given = Object.fromEntries(Object.entries(parameters).map(([name, [value = ""]]) => [name, value]));
    expect(given["Configuration"]).toBe(handed);
    expect(Object.keys(given).sort()).toEqual(Object.keys(document.parameters).sort());
    for (const { name } of document.mainSteps) expect(commandsOf(name, given)).not.toContain("{{");
  }
  // The same shapes at both ends, or what the stack takes the document refuses.
  for (const name of ["Source", "Version", "Sums"])
    expect(template.Parameters[name]).toMatchObject({
      AllowedPattern: document.parameters[name]?.allowedPattern,
    });
});

test.each([
  { Source: "https://files.example.com/$(reboot)" },
  { Source: "https://files.example.com/a'; reboot; '" },
  { Source: "http://files.example.com/packages" },
  { Source: "file:///etc" },
  { Version: "1.0'; reboot; '" },
  { Sums: `${sum}'` },
  { Configuration: "" },
  { Scheduler: "timer; reboot" },
])("nothing can be said to a shell by a parameter: %j", (given) => {
  const good = { Source: "s3://packages/ec2-backup", Version: "0.1.0", Sums: sum };
  expect(() => commandsOf("Linux", good)).not.toThrow();
  expect(() => commandsOf("Linux", { ...good, ...given })).toThrow(/is not allowed/);
});

test("the step for Windows can be read by a grammar of PowerShell", async (context) => {
  const require = createRequire(import.meta.url);
  const grammars = "@vscode/tree-sitter-wasm/wasm";
  const { Parser, Language } = require(`${grammars}/tree-sitter.js`);
  await Parser.init();
  const parser = new Parser();
  const grammar = path.join(
    path.dirname(require.resolve(`${grammars}/tree-sitter.js`)),
    "tree-sitter-powershell.wasm",
  );
  parser.setLanguage(await Language.load(grammar));
  const text = commandsOf("Windows", { Source: "s3://packages/ec2-backup", Version: "0.1.0", Sums: sum });
  const { rootNode } = parser.parse(text);
  expect(rootNode.hasError, context.task.name).toBe(false);
  expect(text.split("\n").length).toBeGreaterThan(30);
});

const possible = isLinux && isRoot && process.arch === "x64" && has("dpkg-deb");

describe("the step for Linux, run for real on a copy of this system that goes with the test", () => {
  const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-fleet-"));
  const packages = path.join(work, "packages");
  let version = "";

  beforeAll(async () => {
    if (!possible) return;
    await build(packages, ["--only", "deb-amd64,linux-x64", "--hollow", "--stored"]);
    version = JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8")).version;
    // A few bytes stand for Node there; here the one that runs this test does.
    const deb = path.join(packages, `ec2-backup-agent_${version}_amd64.deb`);
    const [tree, folder] = [path.join(work, "deb"), path.join(work, "directory")];
    execFileSync("dpkg-deb", ["-R", deb, tree]);
    withNode(path.join(tree, "usr/lib/ec2-backup/node/bin/node"));
    execFileSync("dpkg-deb", ["-Znone", "--build", tree, deb], { stdio: "ignore" });
    const archive = path.join(packages, `ec2-backup-${version}-linux-x64.tar.gz`);
    mkdirSync(folder);
    execFileSync("tar", ["xzf", archive, "-C", folder]);
    withNode(path.join(folder, `ec2-backup-${version}-linux-x64/node/bin/node`));
    execFileSync("tar", ["czf", archive, "-C", folder, "."]);
    const config = "version: 1\njobs: { default: { retention: { last: 5 } } }\n";
    writeFileSync(path.join(packages, "config.yaml"), config);
    const names = [path.basename(deb), path.basename(archive)];
    writeFileSync(
      path.join(packages, "SHA256SUMS"),
      names.map((name) => `${sumOf(path.join(packages, name))}  ${name}\n`).join(""),
    );
  }, 120_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  function withNode(place: string): void {
    unlinkSync(place);
    symlinkSync(`/node-of-test/${path.basename(process.execPath)}`, place);
  }

  const orders = () => ({
    Source: "s3://packages/ec2-backup",
    Version: version,
    Sums: sumOf(path.join(packages, "SHA256SUMS")),
    Configuration: sumOf(path.join(packages, "config.yaml")),
    Scheduler: "cron-daily",
  });

  /** A root that is this system's, and forgets. `setup` is done in it before. */
  async function host(setup = ":") {
    const place = mkdtempSync(path.join(work, "host-"));
    const simulator = await startSimulator({
      scenario: { limits: false, settle: { seconds: 0, secondsPerGiB: 0 } },
    });
    onTestFinished(() => simulator.close());
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", place]);
    onTestFinished(() => void execFileSync("umount", ["-R", "-l", place]));
    const at = (name: string) => path.join(place, name);
    for (const name of ["upper", "work", "root"]) mkdirSync(at(name));
    const layers = `lowerdir=/,upperdir=${at("upper")},workdir=${at("work")}`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, at("root")]);
    for (const [from, to] of [
      ["/dev", "dev"],
      [path.dirname(process.execPath), "node-of-test"],
    ] as const) {
      mkdirSync(at(`root/${to}`), { recursive: true });
      execFileSync("mount", ["--bind", from, at(`root/${to}`)]);
    }
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", at("root/tmp")]);
    mkdirSync(at("root/packages"));
    cpSync(packages, at("root/packages"), { recursive: true });
    // These stand in for the ways to a bucket and to a server.
    const stand = at("root/stand-ins");
    mkdirSync(stand);
    const copy = 'echo "$0 $*" >> /fetched; cp /packages/$(basename "$from") "$to"';
    writeFileSync(path.join(stand, "aws"), `#!/bin/sh -e\nfrom=$4 to=$5\n${copy}\n`);
    writeFileSync(
      path.join(stand, "curl"),
      `#!/bin/sh -e\nfor from; do [ "$last" != --output ] || to=$from; last=$from; done\n${copy}\n`,
    );
    for (const name of ["aws", "curl"]) chmodSync(path.join(stand, name), 0o755);
    const env = {
      PATH: "/stand-ins:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      ...simulator.environment,
    };
    const sh = async (script: string) => {
      // Processes of other tests are not that host's either: it would find that they start backups already.
      const words = ["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c"];
      const within = `${withoutDisks()}; exec chroot "$0" /bin/sh -c "$1"`;
      const whole = `mount -t proc proc /proc\n${script}`;
      const run = promisify(execFile)("unshare", [...words, within, at("root"), whole], { env, cwd: "/" });
      return run.then(
        ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          output: error.stdout + error.stderr,
        }),
      );
    };
    // What the machine of this test has of the agent is not of that host; nor does that have an index of manuals.
    await sh(
      `rm -rf /var/lib/man-db/auto-update /etc/ec2-backup /var/lib/ec2-backup /etc/cron.daily/ec2-backup; ${setup}`,
    );
    return { sh, root: at("root") };
  }

  test("installs the package, the configuration and the schedule, and has nothing to do the second time", async (context) => {
    need(context, possible, "root, dpkg-deb and x64 Linux");
    const { sh, root } = await host();
    const first = await sh(commandsOf("Linux", orders()));
    expect([0, 1], first.output).toContain(first.code);
    expect(first.output).toContain("the configuration is new");
    expect((await sh("ec2-backup --version")).output).toBe(`${version}\n`);
    expect((await sh("stat -c '%a %U' /etc/ec2-backup/config.yaml; ls /tmp")).output).toBe("600 root\n");
    expect((await sh("dpkg -s ec2-backup-agent; ls /etc/cron.daily")).output).toMatch(
      /Status: install ok installed[\s\S]*^ec2-backup$/m,
    );
    expect((await sh("ec2-backup run --all")).output).toContain("complete");

    writeFileSync(path.join(root, "fetched"), "");
    const second = await sh(commandsOf("Linux", orders()));
    expect([second.code, second.output]).toEqual([0, expect.stringContaining(`version ${version} is there`)]);
    expect(second.output).not.toContain("the configuration is new");
    expect(readFileSync(path.join(root, "fetched"), "utf8").trim().split("\n")).toHaveLength(1);
  }, 120_000);

  test("takes the archive where there is no package manager, by HTTPS", async (context) => {
    need(context, possible, "root, dpkg-deb and x64 Linux");
    const { sh, root } = await host("rm -f /var/lib/dpkg/status /usr/bin/rpm");
    const given = { ...orders(), Source: "https://files.example.com/ec2-backup", Configuration: "none" };
    const { code, output } = await sh(commandsOf("Linux", given));
    expect([0, 1], output).toContain(code);
    expect((await sh("readlink /usr/local/bin/ec2-backup; /usr/local/bin/ec2-backup --version")).output).toBe(
      `/opt/ec2-backup-${version}-linux-x64/ec2-backup\n${version}\n`,
    );
    expect(readFileSync(path.join(root, "fetched"), "utf8")).toMatch(
      /curl .*--fail.* https:\/\/files\.example\.com/,
    );
  }, 120_000);

  test.for([
    ["sums", "echo >> /packages/SHA256SUMS", /SHA256SUMS from .* is not what was ordered/],
    ["a package", "for f in /packages/*.deb; do echo >> $f; done", /deb from .* is not what was ordered/],
    ["a configuration", "echo >> /packages/config.yaml", /config.yaml from .* is not what was ordered/],
  ] as const)(
    "%s other than ordered: nothing of it is installed",
    async ([what, tamper, message], context) => {
      need(context, possible, "root, dpkg-deb and x64 Linux");
      const { sh } = await host(tamper);
      const { code, output } = await sh(commandsOf("Linux", orders()));
      expect([code, output]).toEqual([1, expect.stringMatching(message)]);
      const left = await sh("ls /etc/ec2-backup/config.yaml /etc/cron.daily/ec2-backup 2>/dev/null");
      expect(left.output).toBe("");
      if (what !== "a configuration") expect((await sh("command -v ec2-backup")).code).not.toBe(0);
    },
  );
});

function sumOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
