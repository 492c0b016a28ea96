import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { cut, frameOf } from "../src/log/syslog-frame.ts";
import { need } from "./host/places.ts";
import { Speaker, syslogTo } from "./system/log-speaker.ts";
import { until } from "./system/rsyslog.ts";

const at = new Date("2031-05-06T07:08:09.123Z");
const speaker = { facility: "local0", appName: "ec2-backup", hostname: "web 1\n\u00e9", pid: 42 } as const;

describe("a message of syslog", () => {
  test.each([
    ["error", 131],
    ["warn", 132],
    ["info", 134],
    ["debug", 135],
  ] as const)("of level %s has the priority %i, the time of the line and who speaks", (level, priority) => {
    expect(frameOf({ level, text: "text", at }, speaker)).toBe(
      `<${priority}>1 2031-05-06T07:08:09.123Z web1 ec2-backup 42 - - text`,
    );
  });

  test("is cut between two signs and says so", () => {
    const long = "\u00e9".repeat(6_000);
    const shown = cut(long);
    expect(new TextEncoder().encode(shown).length).toBeLessThanOrEqual(8_000);
    expect(shown).toMatch(/^\u00e9{3990,} \[cut\]$/);
    expect(cut("short")).toBe("short");
  });
});

describe("over version 6", () => {
  const there = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === "::1"),
  );

  test("a stream arrives", async (context) => {
    need(context, there, "the address ::1");
    let text = "";
    const server = createServer((socket) => {
      socket.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
    }).listen(0, "::1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const speaking = new Speaker(syslogTo({ protocol: "tcp6", host: "::1", port }));
    speaking.say("one", "two");
    expect((await speaking.end()).told).toEqual([]);
    expect(text.split("\n").map((line) => line.replace(/^.* - - /, ""))).toEqual([
      "info: one",
      "info: two",
      "",
    ]);
  });

  test("datagrams arrive", async (context) => {
    need(context, there, "the address ::1");
    const texts: string[] = [];
    const socket = createSocket("udp6").bind(0, "::1");
    await once(socket, "listening");
    onTestFinished(() => void socket.close());
    socket.on("message", (message) => texts.push(message.toString().replace(/^.* - - /, "")));
    const speaking = new Speaker(syslogTo({ protocol: "udp6", host: "::1", port: socket.address().port }));
    speaking.say("one", "two");
    expect((await speaking.end()).told).toEqual([]);
    await until(() => texts.length === 2, "both");
    expect(texts.sort()).toEqual(["info: one", "info: two"]);
  });
});
