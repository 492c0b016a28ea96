import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { effectiveValues, formatResolution } from "../../src/config/print.ts";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const sample = fileOf(readFileSync(new URL("sample.yaml", import.meta.url), "utf8"));

describe("the printed configuration", () => {
  it("shows each value with the line, tag or flag that it comes from", () => {
    const lines = formatResolution(resolve({ file: sample, tags: { Retention: "7" }, flags: { splay: 0 } }));
    expect(lines.map((line) => line.split(/ {2,}/)).slice(0, 15)).toEqual([
      ["protection", "configured", "config.yaml:3"],
      ["jobs.default.schedule", "0 2 * * *", "config.yaml:5"],
      ["jobs.default.timezone", "Europe/Berlin", "config.yaml:2"],
      ["jobs.default.splay", "0s", "flag --splay"],
      ["jobs.default.volumes.root", "true", "config.yaml:8"],
      [
        "jobs.default.volumes.include",
        "tag Backup=yes, device /dev/sdf, id vol-0123456789abcdef0",
        "config.yaml:9",
      ],
      ["jobs.default.volumes.exclude", "tag Backup=no", "config.yaml:10"],
      ["jobs.default.retention.minimum", "3", "config.yaml:11"],
      ["jobs.default.retention.within", "7d", "tag Retention"],
      ["jobs.default.shrinkDelay", "7d", "config.yaml:12"],
      ["jobs.default.hooks", "none", "built-in"],
      ["jobs.default.consistency", "what the hooks can give", "built-in"],
      ["jobs.default.whenLess", "degrade", "built-in"],
      ["jobs.default.waits.request", "30s", "config.yaml:14"],
      ["jobs.default.waits.capture", "30s", "config.yaml:15"],
    ]);
  });

  it("says in words what an empty policy and absent values mean", () => {
    const values = effectiveValues(resolve({ file: sample, tags: {} }));
    const of = (path: string) => values.find((value) => value.path === path);
    expect(of("jobs.archive.retention")).toMatchObject({
      value: "everything is kept",
      origin: "config.yaml:24",
    });
    expect(of("jobs.archive.schedule")).toMatchObject({ value: "by hand only", origin: "built-in" });
    expect(of("jobs.archive.volumes.include")).toMatchObject({ value: "all" });
    expect(of("jobs.archive.volumes.exclude")).toMatchObject({ value: "none" });
    expect(of("tags.add.CostCenter")).toMatchObject({ value: '"4711"', origin: "config.yaml:25" });
  });

  it("has straight columns and no control characters", () => {
    const hostile = fileOf(
      'version: 1\njobs: { default: { volumes: { exclude: [{ tag: "a=\\e[2J" }] } } }\n',
    );
    const lines = formatResolution(resolve({ file: hostile, tags: {} }));
    const columns = lines.map((line) => line.lastIndexOf("  "));
    expect(new Set(columns).size).toBe(1);
    expect(lines.join("")).not.toMatch(/\p{C}/u);
  });
});
