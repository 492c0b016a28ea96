import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatFault } from "../../src/config/fault.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";

const folder = new URL("./bad/", import.meta.url);
const files = readdirSync(folder);
const bad = files.filter((name) => name.endsWith(".yaml"));

describe("a bad file", () => {
  it.each(bad)("%s is refused with exactly the messages beside it", (name) => {
    const result = parseConfig(read(name), "config.yaml");
    const messages = result.ok ? [] : result.faults.map(formatFault);
    expect(messages.map((message) => `${message}\n`).join("")).toBe(read(name.replace(/yaml$/, "txt")));
    expect(messages).not.toEqual([]);
  });

  it("never has messages without a file", () => {
    const texts = files.filter((name) => name.endsWith(".txt"));
    expect(texts.map((name) => name.replace(/txt$/, "yaml"))).toEqual(bad);
  });

  it("gives all its faults at once, in the order of the file", () => {
    const lines = read("all-at-once.txt").trimEnd().split("\n");
    const numbers = lines.map((line) => Number(line.split(":")[1]));
    expect(lines.length).toBeGreaterThan(12);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it("never lets its text reach a terminal unescaped", () => {
    for (const name of bad) {
      const result = parseConfig(read(name), "config.yaml");
      const messages = result.ok ? [] : result.faults.map(formatFault);
      expect(messages.join("")).not.toMatch(/\p{C}/u);
    }
  });

  it("still tells where the last good configuration lies", () => {
    const text = "version: 1\nstateDirectory: /srv/state\njobs: 7\n";
    expect(parseConfig(text, "config.yaml")).toMatchObject({ ok: false, stateDirectory: "/srv/state" });
    expect(parseConfig(`${text}stateDirectory: x\n`, "config.yaml")).not.toHaveProperty("stateDirectory");
  });
});

describe("a hostile file", () => {
  it("of very deep nesting is refused", () => {
    for (const text of ["[".repeat(20_000), "- ".repeat(20_000), "{a: ".repeat(20_000)]) {
      const result = parseConfig(text, "config.yaml");
      expect(result.ok ? [] : result.faults.map(({ found }) => found)).toEqual(["values nested too deeply"]);
    }
  });

  it("that contains itself is refused for its unknown keys", () => {
    const result = parseConfig("version: 1\na: &a [*a]\n", "config.yaml");
    expect(result.ok ? [] : result.faults.map(({ path }) => path)).toEqual(["a"]);
  });

  it("of very many keys is refused without delay", () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1\n`).join("");
    const result = parseConfig(`version: 1\n${text}`, "config.yaml");
    expect(result.ok ? 0 : result.faults.length).toBe(20_000);
  }, 20_000);

  it("of very many references is refused without delay", () => {
    const text = `version: 1\na: &a 1\nb: [${"*a, ".repeat(20_000)}]\n`;
    expect(parseConfig(text, "config.yaml").ok).toBe(false);
  }, 20_000);
});

function read(name: string): string {
  return readFileSync(new URL(name, folder), "utf8");
}
