import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { formatFault } from "../../src/config/fault.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";
import { someConfig } from "./arbitraries.ts";
import { fileOf } from "./file-of.ts";

const sample = readFileSync(new URL("sample.yaml", import.meta.url), "utf8");

describe("the configuration file", () => {
  it("may use every key there is", () => {
    const { config } = fileOf(sample);
    expect(Object.keys(config.jobs ?? {})).toEqual(["default", "archive"]);
    expect(config.jobs?.default?.splay).toBe(90 * 60_000);
    expect(config.jobs?.default?.volumes).toMatchObject({ include: [{}, { device: "/dev/sdf" }, {}] });
    expect(config.jobs?.archive?.retention).toEqual({});
    expect(config.tags?.add).toEqual({ CostCenter: "4711" });
  });

  it("needs nothing but its version", () => {
    expect(fileOf("version: 1\n").config).toEqual({ version: 1 });
  });

  it("may come from Windows, with a byte order mark and its line ends", () => {
    expect(fileOf(`\ufeff${sample.replaceAll("\n", "\r\n")}`).config).toEqual(fileOf(sample).config);
  });

  it("may share what is equal by anchors", () => {
    const text = "version: 1\njobs:\n  a:\n    retention: &usual { daily: 7 }\n  b:\n    retention: *usual\n";
    expect(fileOf(text).config.jobs?.b?.retention).toEqual({ daily: 7 });
  });

  it("knows the line of each of its keys", () => {
    const { lineOf } = fileOf(sample);
    expect(lineOf(["timezone"])).toBe(2);
    expect(lineOf(["jobs", "default", "schedule"])).toBe(5);
    expect(lineOf(["jobs", "default", "volumes", "exclude"])).toBe(10);
    expect(lineOf(["jobs", "default", "volumes", "exclude", 0, "tag"])).toBe(10);
    expect(lineOf(["jobs", "default", "waits", "settleFor"])).toBe(20);
  });

  it("reads YAML 1.2 whatever version it declares, so that no is a word and not false", () => {
    const result = parseConfig("%YAML 1.1\n---\nversion: 1\nmetrics: { enabled: no }\n", "config.yaml");
    expect(result.ok ? [] : result.faults.map(({ found }) => found)).toEqual(['"no"']);
  });
});

describe("any text", () => {
  it("is read or refused with places and reasons, and never throws", () => {
    fc.assert(fc.property(someText(), neverThrows), { numRuns: 400 });
  });

  it("that was a good file before a slip of the keyboard never throws", () => {
    const slip = fc.record({ at: fc.nat(sample.length), drop: fc.nat(12), add: fc.string({ maxLength: 4 }) });
    fc.assert(
      fc.property(slip, ({ at, drop, add }) =>
        neverThrows(sample.slice(0, at) + add + sample.slice(at + drop)),
      ),
      { numRuns: 400 },
    );
  });
});

describe("a good configuration", () => {
  it("is found good however YAML writes it", () => {
    const flow = fc.constantFrom<"any" | "flow">("any", "flow");
    fc.assert(
      fc.property(someConfig, flow, (config, collectionStyle) => {
        const result = parseConfig(stringify(config, { collectionStyle }), "config.yaml");
        expect(result.ok ? [] : result.faults.map(formatFault)).toEqual([]);
      }),
    );
  });
});

function someText(): fc.Arbitrary<string> {
  const pieces =
    "version|1|: |jobs|default|retention|{|}|[|]|- |\n|  |&a |*a|? |#|'|\"|!!|---\n|%|\t|<<|~|__proto__|,|>|\\";
  const piece = fc.oneof(
    fc.constantFrom(...pieces.split("|"), "|"),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  return fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(piece, { maxLength: 60 }).map((list) => list.join("")),
  );
}

function neverThrows(text: string): void {
  const result = parseConfig(text, "config.yaml");
  if (result.ok) return;
  expect(result.faults).not.toEqual([]);
  for (const fault of result.faults)
    expect(formatFault(fault)).toMatch(/^config\.yaml:\d+:\d+: .*expected .+, found .+/);
}
