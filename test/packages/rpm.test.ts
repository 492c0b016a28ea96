import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { build, isSoak } from "./build.ts";
import { minimalRoot } from "./minimal-root.ts";

const possible = isLinux && isRoot && process.arch === "x64" && has("rpmbuild") && has("rpm");
const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-rpm-test-"));
let file = "";
const rpm = (...words: string[]) => execFileSync("rpm", words, { encoding: "utf8", stdio: "pipe" });

describe("the .rpm", () => {
  beforeAll(async () => {
    if (!possible) return;
    const words = ["--only", "rpm-x86_64", ...(isSoak ? [] : ["--stored"])];
    const [name = ""] = (await build(work, words)).filter((one) => one.endsWith(".rpm"));
    file = path.join(work, name);
    // With Node's package to be got first, where it is not there.
  }, 300_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test("says what it is, what it needs and what it holds", (context) => {
    need(context, possible, "root, rpm, rpmbuild and x64 Linux");
    const fields = rpm("-qp", "--qf", "%{NAME} %{ARCH} %{LICENSE} %{BUILDHOST}", file);
    expect(fields).toBe("ec2-backup-agent x86_64 Apache-2.0 AND MIT packages.invalid");
    const needed = rpm("-qpR", file);
    // What Node's own build asks of its host, and flock(1).
    expect(needed).toContain("libc.so.6(GLIBC_2.28)(64bit)\n");
    expect(needed).toContain("libstdc++.so.6(GLIBCXX_3.4.21)(64bit)\n");
    expect(needed).toMatch(/^util-linux$/m);
    expect(needed).not.toMatch(/nodejs|\/usr\/bin\/env/);
    const held = rpm("-qpl", file).trim().split("\n");
    expect(held).toContain("/usr/lib/systemd/system/ec2-backup.service");
    expect(held).toContain("/usr/lib/ec2-backup/policies/restore.json");
    expect(held.filter((one) => /^\/(etc|var|run)\//.test(one))).toEqual([]);
    expect(rpm("-qp", "--changelog", file)).toContain("- `ec2-backup run`: an instance finds itself");
    expect(rpm("-qp", "--qf", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]", file)).toMatch(/^(root:root\n)+$/);
  });

  test("is installed into a root, verified, started, upgraded over itself and removed", async (context) => {
    need(context, possible, "root, rpm, rpmbuild and x64 Linux");
    const place = minimalRoot(context);
    const within = ["--root", place, "--nodeps"];
    expect(rpm(...within, "-i", file)).toContain("sudo ec2-backup install ");
    expect(rpm("--root", place, "--nodeps", "-V", "ec2-backup-agent")).toBe("");
    const simulator = await startSimulator({
      scenario: { limits: false, settle: { seconds: 0, secondsPerGiB: 0 } },
    });
    onTestFinished(() => simulator.close());
    const env = { PATH: "/usr/bin:/bin", HOME: "/root", ...simulator.environment };
    const words = [place, "/usr/bin/ec2-backup", "run", "--all"];
    const { stdout } = await promisify(execFile)("/usr/sbin/chroot", words, { env, cwd: "/" });
    expect(stdout).toContain("complete, crash-consistent");
    expect(rpm(...within, "-U", "--force", file)).not.toContain("Nothing runs yet");
    rpm(...within, "-e", "ec2-backup-agent");
    const left = execFileSync("find", [place, "-path", "*ec2-backup*", "-type", "f"], { encoding: "utf8" });
    const outside = left
      .trim()
      .split("\n")
      .map((one) => one.slice(place.length));
    expect(outside.filter((one) => !/^\/var\/(lib|cache)\/ec2-backup\//.test(one))).toEqual([]);
    expect(outside.some((one) => one.endsWith("/job-default.json"))).toBe(true);
  });
});
