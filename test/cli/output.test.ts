import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { need } from "../host/places.ts";
import { agent, execute } from "../system/bench.ts";
import { Host } from "./host.ts";

const commands = ["report --format md", "report", "check-config", "list", "check-config --json", "--help"];

describe("output", () => {
  test("that cannot be written is told, once, and is exit code 73", async (context) => {
    need(context, existsSync("/dev/full"), "/dev/full");
    const { bench } = await Host.start(context, { Backup: "yes" }, 2);
    const env = { ...bench.simulator.environment, STATE_DIRECTORY: bench.state };
    for (const words of commands) {
      const line = `exec ${process.execPath} ${agent} ${words} > /dev/full`;
      const { code, stderr } = await execute(["/bin/sh", "-c", line], env);
      expect({ words, code, stderr }).toEqual({
        words,
        code: 73,
        stderr: "ec2-backup: cannot write the output: ENOSPC\n",
      });
    }
    const failed = await execute(
      ["/bin/sh", "-c", `${process.execPath} ${agent} run absent-job --json > /dev/full`],
      env,
    );
    expect(failed.code, "what failed before says more").toBe(64);
  });

  test("that nobody reads to its end changes no exit code, nor does a log that has no room", async (context) => {
    need(context, existsSync("/bin/bash") && existsSync("/dev/full"), "bash and /dev/full");
    const { bench } = await Host.start(context, { Backup: "yes" }, 2);
    const env = { ...bench.simulator.environment, STATE_DIRECTORY: bench.state };
    for (const words of ["report", "list", "check-config"]) {
      const line = `${process.execPath} ${agent} ${words} | head -1 >/dev/null; exit \${PIPESTATUS[0]}`;
      expect(await execute(["/bin/bash", "-c", line], env)).toMatchObject({ code: 0, stderr: "" });
    }
    const line = `exec ${process.execPath} ${agent} run 2> /dev/full`;
    expect((await execute(["/bin/sh", "-c", line], env)).code).toBe(0);
  });
});
