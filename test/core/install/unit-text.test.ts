import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { cronScript } from "../../../src/core/install/cron-script.ts";
import { hunksOf, lineDiff } from "../../../src/core/install/line-diff.ts";
import { execWord, unitFor } from "../../../src/core/install/unit-text.ts";
import { scriptRuns, startsBackups } from "../../../src/core/schedulers.ts";
import { folder, has, isLinux, need } from "../../host/places.ts";
import { units } from "./facts.ts";

const program = ["/opt/node 24/bin/node", '/srv/100%"x"/dist/ec2-backup.js'];

describe("a unit", () => {
  test("starts the program by its own words, and is otherwise as it was", () => {
    for (const [name, text] of Object.entries(units)) {
      const own = unitFor(text, program);
      expect(own, name).not.toMatch(/^Exec\w+=\S*\/usr\/bin\/ec2-backup/m);
      const start = '"/opt/node 24/bin/node" "/srv/100%%\\"x\\"/dist/ec2-backup.js"';
      expect(own.replaceAll(start, "/usr/bin/ec2-backup"), name).toBe(text);
      expect(unitFor(text, ["/usr/bin/ec2-backup"])).toBe(text);
    }
    expect(unitFor(units["ec2-backup.service"] ?? "", ["/x/y"])).toMatch(/^ExecStartPre=-\/x\/y thaw/m);
  });

  test("does not let a run that is stuck keep the timer from starting another for ever", () => {
    expect(units["ec2-backup-run.service"]).toMatch(/^TimeoutStartSec=24h$/m);
    expect(units["ec2-backup-run.service"]).toMatch(/^ExecStopPost=\S+ thaw --leftovers$/m);
  });

  test("is quoted as systemd reads it", async (context) => {
    need(context, isLinux && has("systemd-analyze"), "systemd-analyze");
    expect(execWord("/usr/bin/node")).toBe("/usr/bin/node");
    expect(execWord("a$b")).toBe("a$$b");
    const place = await folder();
    const start = path.join(place, "a b");
    writeFileSync(start, "#!/bin/sh\n", { mode: 0o755 });
    const text = `[Service]\nExecStart=/usr/bin/ec2-backup run\n`;
    const file = path.join(place, "quoted.service");
    const verify = (): string =>
      execFileSync("sh", ["-c", 'systemd-analyze --man=no verify "$1" 2>&1 || true', "sh", file], {
        encoding: "utf8",
      });
    writeFileSync(file, unitFor(text, [start, '50% "x"']));
    expect(verify()).not.toMatch(/quoted\.service.*(not executable|Failed|Invalid|ignoring)/i);
    writeFileSync(file, text.replace("/usr/bin/ec2-backup", start));
    expect(verify(), "without quotes it is another program").toMatch(/not executable|No such file/i);
  });
});

describe("the script of cron", () => {
  const text = cronScript(program);

  for (const shell of [["dash"], ["bash"], ["busybox", "sh"]] as const)
    test(`is understood by ${shell[0]}`, async (context) => {
      need(context, has(shell[0]), shell[0]);
      const file = path.join(await folder(), "script");
      writeFileSync(file, text);
      const [program, ...words] = shell;
      expect(execFileSync(program, [...words, "-n", file], { encoding: "utf8" })).toBe("");
    });

  test("mails that another run is at work only when it was so the last time, too", async () => {
    const place = await folder();
    const at = (name: string): string => path.join(place, name);
    const own = cronScript([at("agent")])
      .replace(/^PATH=/m, `PATH=${place}:`)
      .replaceAll("/usr/sbin/sendmail", at("sendmail"))
      .replaceAll("/var/lib/ec2-backup", at("state"));
    for (const name of ["sendmail", "logger"]) {
      const said = `#!/bin/sh\n{ echo ${name} "$@"; cat; } >>${at("said")}\n`;
      writeFileSync(at(name), said, { mode: 0o755 });
    }
    writeFileSync(at("script"), own, { mode: 0o755 });
    const run = (code: number): string => {
      writeFileSync(at("said"), "");
      writeFileSync(at("agent"), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
      execFileSync(at("script"), ["--apart"], { encoding: "utf8" });
      return readFileSync(at("said"), "utf8");
    };
    const stuck =
      /daemon\.err\ntwice in a row[\s\S]*sendmail -i -t\n[\s\S]*Subject: .*no backup, another run/;
    expect(run(75)).toMatch(
      /^logger -t ec2-backup -p daemon.notice\nanother run was at work[\s\S]*no backup\n\n$/,
    );
    expect(run(75)).toMatch(stuck);
    expect(run(75)).toMatch(stuck);
    expect(run(0)).toBe("");
    expect(run(75)).toMatch(/daemon.notice/);
    expect(run(2)).toMatch(/Subject: .*exit code 2/);
    expect(run(75)).not.toContain("sendmail");
  });

  test("is known as one that starts backups", () => {
    expect(scriptRuns(text)).toBe(true);
    expect(text.split("\n").filter((line) => !line.startsWith("#") && startsBackups(line))).toHaveLength(2);
  });
});

describe("the lines of two texts", () => {
  test("that differ are told with those around them", () => {
    const diff = lineDiff("a\nb\nc\nd\ne\n", "a\nb\nx\nd\ne\nf\n");
    expect(diff.map(({ sign, line }) => sign + line)).toEqual([" a", " b", "-c", "+x", " d", " e", "+f"]);
    expect(hunksOf(diff, 1).map(({ sign, line }) => sign + line)).toEqual([
      " b",
      "-c",
      "+x",
      " d",
      " e",
      "+f",
    ]);
    expect(lineDiff("", "a\n")).toEqual([{ sign: "+", line: "a" }]);
  });
});
