import { describe, expect, test } from "vitest";
import { besideBar, progressBar } from "../../src/cli/progress.ts";
import { formatBytes, formatInstant, table, terminal } from "../../src/cli/terminal.ts";
import { tellOn } from "../../src/commands/sweep-progress.ts";
import { formatSpan } from "../../src/core/duration.ts";

/** A stream that remembers. */
function stream(facts: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  return { written, ...facts, write: (text: string) => written.push(text) };
}

describe("a table", () => {
  const head = ["VOLUME", "DEVICE", "", "BECAUSE"];
  const rows = [
    ["vol-0123456789abcdef0", "/dev/xvda", "taken", "root volume"],
    ["vol-1", "/dev/sdf", "left out", `its tag Backup=no ${"and more ".repeat(20)}`],
  ];

  test("has columns as wide as their widest cell, and no blanks at the ends of lines", () => {
    expect(table(head, [rows[0] ?? [], ["v", "d", "x", "y"]], Number.POSITIVE_INFINITY)).toEqual([
      "VOLUME                 DEVICE            BECAUSE",
      "vol-0123456789abcdef0  /dev/xvda  taken  root volume",
      "v                      d          x      y",
    ]);
  });

  test.each([80, 60, 132])("fits %i columns, and what has no room goes on below", (width) => {
    const lines = table(head, rows, width);
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    const words = lines
      .slice(2)
      .join(" ")
      .split(/\s+/)
      .filter((word) => word !== "");
    expect(words).toEqual(
      `vol-1 /dev/sdf left out its tag Backup=no ${"and more ".repeat(20)}`.trim().split(" "),
    );
  });

  test("cuts no id, however narrow the terminal", () => {
    const id = "01a1fbf9-ed1a-7b04-9fe5-2fd9a1c85138";
    expect(table(["CAPTURED", "POINT"], [["2026-11-21 02:40:22Z", id]], 40)).toContain(`    ${id}`);
  });

  test("is not cut where there is no terminal", () => {
    expect(table(head, rows, Number.POSITIVE_INFINITY)[2]).toMatch(/and more$/);
  });

  test("of nothing is its head", () => {
    expect(table(["A", "B"], [], 80)).toEqual(["A  B"]);
  });
});

describe("a terminal", () => {
  test.each([
    ["a terminal with colour", { isTTY: true, columns: 100 }, true, "\u001b[31mno\u001b[39m", 100],
    ["a terminal where none is wanted", { isTTY: true, columns: 100 }, false, "no", 100],
    ["a terminal of unknown width", { isTTY: true }, false, "no", 80],
    ["a pipe", {}, true, "no", Number.POSITIVE_INFINITY],
    ["a file", { isTTY: false, columns: 100 }, true, "no", Number.POSITIVE_INFINITY],
  ])("%s", (_, facts, color, painted, width) => {
    const out = terminal(stream(facts), color);
    expect(out.paint("red", "no")).toBe(painted);
    expect(out.width).toBe(width);
  });

  test("prints lines", () => {
    const stdout = stream();
    terminal(stdout, false).print("one");
    expect(stdout.written).toEqual(["one\n"]);
  });
});

describe("progress", () => {
  test("is drawn in place on a terminal, and gone at the end", () => {
    const tty = stream({ isTTY: true });
    const bar = progressBar(tty);
    bar.update(0, "waiting");
    bar.update(50, "waiting");
    bar.update(130, "waiting");
    bar.end();
    bar.end();
    const [nothing, half, full, ...gone] = tty.written;
    expect(nothing).toBe(`\r\u001b[K${"░".repeat(30)}   0 %  waiting`);
    expect(half).toBe(`\r\u001b[K${"█".repeat(15)}${"░".repeat(15)}  50 %  waiting`);
    expect(full).toContain("█".repeat(30));
    expect(gone).toEqual(["\r\u001b[K"]);
  });

  test("gives way to lines of the log, and is drawn anew below them", () => {
    const tty = stream({ isTTY: true });
    const bar = progressBar(tty);
    const log = besideBar((_, message) => void tty.write(`${message}\n`), bar);
    log("info", "first");
    bar.update(50, "waiting");
    log("info", "second");
    expect(tty.written).toEqual(["first\n", expect.stringContaining("waiting"), "\r\u001b[K", "second\n"]);
  });

  test("of a sweep shows on a narrow terminal what is at work", () => {
    const tty = stream({ isTTY: true, columns: 80 });
    const unit = { id: "111122223333/ap-southeast-2", account: "111122223333", region: "ap-southeast-2" };
    tellOn(progressBar(tty))({ ended: 0, units: 24, unit, what: "12 of 300 points removed" });
    expect(tty.written).toEqual([expect.stringContaining("0 of 24 units: 12 of 300 points removed")]);
  });

  test.each([{ isTTY: false }, {}])("is not drawn on %o", (facts) => {
    const file = stream(facts);
    const bar = progressBar(file);
    bar.update(50, "waiting");
    bar.end();
    expect(file.written).toEqual([]);
  });
});

test.each([
  [0, "0 B"],
  [1, "1 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [100 * 1024, "100 KiB"],
  [1024 ** 3, "1.0 GiB"],
  [2.5 * 1024 ** 4, "2.5 TiB"],
  [3_000 * 1024 ** 5, "3000 PiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, "0 s"],
  [119.4, "119 s"],
  [120, "2 min"],
  [7_199, "120 min"],
  [7_200, "2 h 0 min"],
  [11_100, "3 h 5 min"],
  [14_399, "4 h 0 min"],
  [172_000, "47 h 47 min"],
  [172_799, "2 d"],
  [172_800, "2 d"],
])("%d seconds are %s", (seconds, text) => {
  expect(formatSpan(seconds)).toBe(text);
});

test("an instant is shown to the second and names its zone", () => {
  expect(formatInstant("2026-11-01T02:00:07.123Z")).toBe("2026-11-01 02:00:07Z");
});
