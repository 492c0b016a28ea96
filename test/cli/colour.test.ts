import { expect, test } from "vitest";
import { has, need } from "../host/places.ts";
import { agent, execute } from "../system/bench.ts";
import { Host } from "./host.ts";

const bold = "\u001b[1m";

test("on a terminal there is colour, unless NO_COLOR or --no-color asks for none; elsewhere never", async (context) => {
  need(context, process.platform === "linux" && has("script"), "script(1) of util-linux, for a terminal");
  const host = await Host.start(context, { Backup: "yes" }, 1);
  const onTerminal = async (words: string, env = {}): Promise<string> => {
    const command = `${process.execPath} ${agent} ${words}`;
    const ended = await execute(["script", "-qec", command, "/dev/null"], {
      ...host.bench.simulator.environment,
      STATE_DIRECTORY: host.bench.state,
      ...env,
    });
    expect(ended.code, ended.stdout).toBe(0);
    expect(ended.stdout).toContain("Job default");
    return ended.stdout;
  };
  expect(await onTerminal("plan")).toContain(bold);
  expect(await onTerminal("plan --no-color")).not.toContain("\u001b[");
  expect(await onTerminal("plan", { NO_COLOR: "1" })).not.toContain("\u001b[");
  expect((await host.bench.execute(["plan"])).stdout).not.toContain("\u001b[");
});
