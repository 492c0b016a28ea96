import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { SyslogSettings } from "../../src/core/log-sinks.ts";
import { folder } from "../host/places.ts";
import { promptly, Speaker, syslogTo } from "./log-speaker.ts";
import { Rsyslog, rsyslogHindrance, until } from "./rsyslog.ts";

type Protocol = SyslogSettings["protocol"];

/** Where the server is, by each of the ways to it. */
function wayTo(server: Rsyslog, protocol: Protocol, change: Partial<SyslogSettings> = {}) {
  const place = protocol === "local" ? { socket: server.socket } : { port: server.port };
  return syslogTo({ protocol, ...place, ...change });
}

const named = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);

const hint = rsyslogHindrance === undefined ? "" : ` (skipped: ${rsyslogHindrance})`;

describe.skipIf(rsyslogHindrance !== undefined)(`a real rsyslog${hint}`, () => {
  test.each(["udp4", "tcp4", "local"] as const)(
    "by %s understands who speaks, when and how gravely, and each line is one record",
    async (protocol) => {
      const server = await Rsyslog.at(await folder());
      await server.start();
      const before = Date.now();
      const speaker = new Speaker(wayTo(server, protocol, { facility: "local3" }));
      speaker.say("first", "second with | and <0>forged", `long ${"x".repeat(9_000)}`, "smile \u{1f600}");
      await server.has("smile \u{1f600}");
      const { ending, told } = await speaker.end();
      expect(told).toEqual([]);
      expect(ending).toBeLessThan(promptly);
      const [first, second, long, smile, ...more] = server.arrived();
      expect(more).toEqual([]);
      expect(first).toMatchObject({ priority: "local3.info", text: "info: first", pid: String(speaker.pid) });
      expect([os.hostname(), os.hostname().split(".")[0]]).toContain(first?.host);
      expect(Date.parse(first?.time ?? "")).toBeGreaterThanOrEqual(before - 1_000);
      expect(Date.parse(first?.time ?? "")).toBeLessThanOrEqual(Date.now());
      expect(second?.text).toBe("info: second with | and <0>forged");
      expect(long?.text).toMatch(/^info: long x{7900,}.*\[cut\]$/);
      expect(smile?.text).toBe("info: smile \u{1f600}");
    },
  );

  test.each(["tcp4", "local"] as const)(
    "by %s gets every line though it is stopped and started again in between",
    async (protocol) => {
      const server = await Rsyslog.at(await folder());
      await server.start();
      const speaker = new Speaker(wayTo(server, protocol));
      speaker.say(...named(1, 10));
      await server.has("line 10");
      await server.kill("SIGTERM");
      speaker.say(...named(11, 20));
      await until(() => speaker.told.length > 0, "the outage to be told");
      speaker.say(...named(21, 30));
      await server.start();
      await server.has("line 30");
      speaker.say("line 31");
      const { told, ending } = await speaker.end();
      await server.has("line 31");
      expect(new Set(server.texts())).toEqual(new Set(named(1, 31)));
      expect(told).toHaveLength(1);
      expect(told[0]).toMatch(/^the log's syslog at .* fails: .*; up to 1000 lines wait for it$/);
      expect(ending).toBeLessThan(promptly);
    },
  );

  test.each(["tcp4", "local"] as const)(
    "by %s gets also the lines that it had taken and not read when it was killed",
    async (protocol) => {
      const server = await Rsyslog.at(await folder());
      await server.start();
      const speaker = new Speaker(wayTo(server, protocol));
      speaker.say("line 1");
      await server.has("line 1");
      await sleep(200);
      server.signal("SIGSTOP");
      for (const line of named(2, 5)) {
        speaker.say(line);
        await sleep(50);
      }
      await sleep(300);
      await server.kill("SIGKILL");
      speaker.say("line 6");
      await server.start();
      await server.has("line 6");
      await speaker.end();
      expect(new Set(server.texts())).toEqual(new Set(named(1, 6)));
    },
  );

  test("by udp4 loses what is sent meanwhile, waits for nothing and goes on afterwards", async () => {
    const server = await Rsyslog.at(await folder());
    await server.start();
    const speaker = new Speaker(wayTo(server, "udp4"));
    speaker.say("line 1");
    await server.has("line 1");
    await server.kill("SIGKILL");
    speaker.say("line 2");
    await sleep(300);
    await server.start();
    speaker.say("line 3");
    await server.has("line 3");
    const { told, ending } = await speaker.end();
    expect(ending).toBeLessThan(promptly);
    expect(told).toEqual([]);
    expect(server.texts()).toEqual(["line 1", "line 3"]);
  });

  test.each(["tcp4", "local"] as const)(
    "by %s gets all in their order if it comes later than the first line",
    async (protocol) => {
      const server = await Rsyslog.at(await folder());
      const speaker = new Speaker(wayTo(server, protocol));
      speaker.say(...named(1, 5));
      await until(() => speaker.told.length > 0, "the absence to be told");
      await server.start();
      await server.has("line 5");
      await speaker.end();
      expect(server.texts()).toEqual(named(1, 5));
    },
  );

  test("a full queue drops the oldest lines, tells the server where and people how many", async () => {
    const server = await Rsyslog.at(await folder());
    const speaker = new Speaker(wayTo(server, "tcp4", { queue: 20 }));
    speaker.say(...named(1, 100));
    await until(() => speaker.told.length > 0, "the absence to be told");
    await sleep(300);
    await server.start();
    await server.has("line 100");
    const { told } = await speaker.end();
    expect(server.texts()).toEqual([
      "warn: 80 lines of the log are missing here: the queue of 20 was full",
      ...named(81, 100),
    ]);
    expect(told).toHaveLength(2);
    expect(told[1]).toBe(
      `lines of the log did not reach the syslog at tcp4 127.0.0.1:${server.port}: 80 dropped since the queue was full`,
    );
  });
});
