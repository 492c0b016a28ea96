import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { LogLevel } from "../src/core/ports.ts";
import { textOf } from "../src/log/line.ts";
import { chooseFormat, type LogOptions } from "../src/log.ts";
import { node } from "./host/places.ts";

type Line = readonly [LogLevel, string, Readonly<Record<string, unknown>>?];

const module = new URL("../src/log.ts", import.meta.url).href;

/** What a process writes that logs the given lines. */
function written(options: Partial<LogOptions>, lines: readonly Line[]): { stdout: string; stderr: string } {
  const all = { level: "debug", format: "text", color: false, ...options };
  const code = `import { createLog } from ${JSON.stringify(module)};
    const log = createLog(${JSON.stringify(all)});
    for (const line of ${JSON.stringify(lines)}) log(...line);
    process.exit();`;
  const [program = "", ...words] = [...node, "--input-type=module", "-e", code];
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return { stdout, stderr };
}

const each: readonly Line[] = [
  ["error", "no answer", { run: "r1", code: "ETIMEDOUT" }],
  ["warn", "less than wanted"],
  ["info", "run done", { job: "default", ms: 1234 }],
  ["debug", "asked", { step: "capture" }],
];

describe("for people", () => {
  test("a line is the level, the message and the facts, and all goes to stderr", () => {
    expect(written({}, each)).toEqual({
      stdout: "",
      stderr: [
        "error: no answer run=r1 code=ETIMEDOUT",
        "warn: less than wanted",
        "info: run done job=default ms=1234",
        "debug: asked step=capture",
        "",
      ].join("\n"),
    });
  });

  test("there is colour where it is wanted and nowhere else", () => {
    const esc = String.fromCharCode(27);
    const colored = written({ color: true }, each).stderr.split("\n");
    expect(colored[0]).toBe(`${esc}[31merror: no answer run=r1 code=ETIMEDOUT${esc}[0m`);
    expect(colored[1]).toContain(`${esc}[33m`);
    expect(written({ color: false }, each).stderr).not.toContain(esc);
  });
});

describe("for machines", () => {
  test("each line is one JSON object with the time, the level, the message and the facts as they are", () => {
    const { stdout, stderr } = written({ format: "json" }, each);
    expect(stdout).toBe("");
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject(each.map(([level, message, fields]) => ({ level, message, ...fields })));
    for (const line of lines)
      expect(Object.values(line)).toContainEqual(expect.stringMatching(/^\d{4}-.*Z$/));
  });

  test("a message with newlines is still one line, and comes back as it was", () => {
    const message = 'two\nlines and "quotes"';
    const { stderr } = written({ format: "json" }, [["info", message]]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stderr)).toMatchObject({ message });
  });
});

describe("for journald", () => {
  test("each line begins with its priority and ends up on stderr", () => {
    const { stdout, stderr } = written({ format: "journal" }, each);
    expect(stdout).toBe("");
    const lines = stderr.trimEnd().split("\n");
    expect(lines.map((line) => line.slice(0, 3))).toEqual(["<3>", "<4>", "<6>", "<7>"]);
    expect(lines[0]).toBe("<3>error: no answer run=r1 code=ETIMEDOUT");
  });
});

const forgeries = ["\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f", "\n\n \n"];

test.each(["text", "journal"] as const)(
  "in %s nothing that is logged can begin a line of its own",
  (format) => {
    const lines = forgeries.flatMap((forgery, index): Line[] => {
      const text = `begun${forgery}<0>error: forged`;
      return [
        ["info", `message ${index} ${text}`],
        ["info", `field ${index}`, { code: text }],
      ];
    });
    const out = written({ format }, lines).stderr.trimEnd();
    expect(out.split(/\r\n|[\n\r\u2028\u2029\u0085\v\f]/)).toHaveLength(lines.length);
    expect(out.split("\n").filter((line) => !/^(<6>)?info: (message|field) \d /.test(line))).toEqual([]);
    expect(out).toContain("begun <0>error: forged");
  },
);

test("in JSON nothing that is logged can begin a line or turn the writing, and all comes back as it was", () => {
  const texts = [...forgeries, "\u202egnorw\u2066", "\u009b2J"].map((one) => `begun${one}error: forged`);
  const lines = texts.map((text): Line => ["info", text, { code: text }]);
  const out = written({ format: "json" }, lines).stderr.trimEnd().split("\n");
  expect(out.filter((line) => /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line))).toEqual([]);
  expect(out.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(texts);
});

test("a line of a megabyte of blanks costs no more than another one", () => {
  const blanks = " ".repeat(1_000_000);
  const line = textOf({ level: "info", message: `from${blanks}to${blanks}\n${blanks}end` });
  expect(line).toBe(`info: from${blanks}to end`);
});

test("nothing that is logged turns the direction of writing", () => {
  const { stderr } = written({}, [["warn", "tag \u202egnorw\u2066 and \u200fmore"]]);
  expect(stderr).toBe("warn: tag gnorw and more\n");
});

test("nothing that is logged speaks to the terminal", () => {
  const { stderr } = written({}, [["warn", "tag \u001b]0;title\u0007 and \u001b[2Jclear"]]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(stderr.trimEnd()).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
});

test.each([
  ["error", ["error"]],
  ["warn", ["error", "warn"]],
  ["info", ["error", "warn", "info"]],
  ["debug", ["error", "warn", "info", "debug"]],
] as const)("at level %s there is what is at least as grave, in every format", (level, expected) => {
  const levels = (format: "text" | "journal" | "json") =>
    written({ level, format }, each).stderr.trimEnd().split("\n");
  expect(levels("text").map((line) => line.slice(0, line.indexOf(":")))).toEqual(expected);
  expect(levels("json").map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(expected);
  expect(levels("journal")).toHaveLength(expected.length);
});

test("under journald the format is its own, elsewhere text, unless somebody says otherwise", () => {
  const journal = () => ({ dev: 8, ino: 12345 });
  const file = () => ({ dev: 8, ino: 6 });
  expect(chooseFormat("auto", { JOURNAL_STREAM: "8:12345" }, journal)).toBe("journal");
  expect(chooseFormat("auto", { JOURNAL_STREAM: "8:12345" }, file)).toBe("text");
  expect(chooseFormat("auto", {}, journal)).toBe("text");
  expect(chooseFormat("json", { JOURNAL_STREAM: "8:12345" }, journal)).toBe("json");
  expect(chooseFormat("text", { JOURNAL_STREAM: "8:12345" }, journal)).toBe("text");
});
