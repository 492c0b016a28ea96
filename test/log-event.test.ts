import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { eventLogOutlet } from "../src/log/event-log.ts";
import { folder, isLinux, need } from "./host/places.ts";
import { Speaker } from "./system/log-speaker.ts";

const { signal } = new AbortController();

/** A program in eventcreate's place that writes down its words, one argument a line. */
async function eventcreate(code = 0): Promise<{ program: string; words: () => string[] }> {
  const here = await folder();
  const program = path.join(here, "eventcreate");
  const written = path.join(here, "words");
  const script = `#!/bin/sh\nfor word; do printf '%s\\n' "$word" >> ${written}; done\necho 'ERROR: Access is denied.' >&2\nexit ${code}\n`;
  writeFileSync(program, script, { mode: 0o755 });
  return { program, words: () => readFileSync(written, "utf8").trimEnd().split("\n") };
}

test("each line is an event of its own, with its gravity, and words are handed on as they are", async (context) => {
  need(context, isLinux, "a shell");
  const { program, words } = await eventcreate();
  const text = `error: "quoted" %PATH% & del C:\\ ^ | $(id) \`id\` ${"x".repeat(9_000)}`;
  const at = new Date();
  await eventLogOutlet(program, "ec2-backup").deliver(
    [
      { level: "error", text, at },
      { level: "warn", text: "warn: w", at },
      { level: "info", text: "info: i", at },
    ],
    signal,
  );
  const head = (type: string, id: string) => [
    "/L",
    "APPLICATION",
    "/T",
    type,
    "/SO",
    "ec2-backup",
    "/ID",
    id,
    "/D",
  ];
  const found = words();
  expect(found.slice(0, 9)).toEqual(head("ERROR", "1"));
  expect(found[9]?.startsWith(text.slice(0, 7_000))).toBe(true);
  expect(found[9]?.endsWith(" [cut]")).toBe(true);
  expect(found.slice(10)).toEqual([
    ...head("WARNING", "2"),
    "warn: w",
    ...head("INFORMATION", "3"),
    "info: i",
  ]);
});

test("a refusal is told with what eventcreate says", async (context) => {
  need(context, isLinux, "a shell");
  const { program } = await eventcreate(1);
  const line = { level: "info", text: "info: i", at: new Date() } as const;
  await expect(eventLogOutlet(program, "ec2-backup").deliver([line], signal)).rejects.toThrow(
    "Access is denied",
  );
});

test("a system without such a log says so and goes on", async (context) => {
  need(context, process.platform !== "win32", "another system than Windows");
  const speaker = new Speaker({ eventLog: true });
  speaker.say("one");
  const { code, told } = await speaker.end();
  expect(code).toBe(0);
  expect(told).toEqual(["log.eventLog is left out: this system has no Windows event log"]);
});
