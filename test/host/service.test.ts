import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { serviceManager } from "../../src/host/service.ts";
import { folder } from "./places.ts";

/** A PATH with a systemd-notify that writes down what it is called with and ends with a code. */
async function pretended(code: number): Promise<{ PATH: string; said: () => Promise<string> }> {
  const directory = await folder();
  const file = path.join(directory, "said");
  const program = `#!/bin/sh\necho "$@ to $NOTIFY_SOCKET" >> ${file}\nexit ${code}\n`;
  await writeFile(path.join(directory, "systemd-notify"), program, { mode: 0o755 });
  return { PATH: directory, said: () => readFile(file, "utf8").catch(() => "") };
}

describe("without NOTIFY_SOCKET", () => {
  test("nobody is told anything, and no watchdog is wanted", async () => {
    const { PATH, said } = await pretended(0);
    const failures: string[] = [];
    const service = serviceManager({ PATH, WATCHDOG_USEC: "1000000" }, 42, (message) =>
      failures.push(message),
    );
    await service.notify("READY=1");
    expect(service.watchdogMs).toBeUndefined();
    expect(await said()).toBe("");
    expect(failures).toEqual([]);
  });
});

describe("with NOTIFY_SOCKET", () => {
  test("states are told in the name of the process that was given", async () => {
    const { PATH, said } = await pretended(0);
    const failures: string[] = [];
    const service = serviceManager({ PATH, NOTIFY_SOCKET: "/run/n" }, 42, (message) =>
      failures.push(message),
    );
    await service.notify("READY=1", "STATUS=waiting");
    expect(await said()).toBe("--pid=42 READY=1 STATUS=waiting to /run/n\n");
    expect(failures).toEqual([]);
  });

  test.each([
    ["that fails", 1, /^systemd-notify READY=1: Command failed/],
    ["that is not there", undefined, /^systemd-notify READY=1: spawn systemd-notify ENOENT$/],
  ])("a systemd-notify %s is reported and throws nothing", async (_, code, expected) => {
    const PATH = code === undefined ? await folder() : (await pretended(code)).PATH;
    const failures: string[] = [];
    const service = serviceManager({ PATH, NOTIFY_SOCKET: "/run/n" }, 42, (message) =>
      failures.push(message),
    );
    await service.notify("READY=1");
    expect(failures).toEqual([expect.stringMatching(expected)]);
  });

  test.each([
    ["in microseconds", { WATCHDOG_USEC: "30000000" }, 30_000],
    ["for this process", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }, 30_000],
    ["for another process", { WATCHDOG_USEC: "30000000", WATCHDOG_PID: "41" }, undefined],
    ["as nonsense", { WATCHDOG_USEC: "soon" }, undefined],
    ["not at all", {}, undefined],
  ])("a watchdog that is set %s is understood", (_, env, expected) => {
    const service = serviceManager({ NOTIFY_SOCKET: "/run/n", ...env }, 42, () => undefined);
    expect(service.watchdogMs).toBe(expected);
  });
});
