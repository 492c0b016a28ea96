import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { effectiveValues, formatResolution } from "../../src/config/print.ts";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const sample = fileOf(readFileSync(new URL("sample.yaml", import.meta.url), "utf8"));

describe("the printed configuration", () => {
  it("shows each value with the line, tag or flag that it comes from", () => {
    const lines = formatResolution(resolve({ file: sample, tags: { Retention: "7" }, flags: { splay: 0 } }));
    expect(lines.map((line) => line.split(/ {2,}/)).slice(0, 22)).toEqual([
      ["protection", "configured", "config.yaml:3"],
      ["jobs.default.schedule", "0 2 * * *", "config.yaml:5"],
      ["jobs.default.timezone", "Europe/Berlin", "config.yaml:2"],
      ["jobs.default.splay", "0s", "flag --splay"],
      ["jobs.default.missedAfter", "by its schedule", "built-in"],
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
      ["jobs.default.copy[0].region", "eu-west-1", "config.yaml:23"],
      ["jobs.default.copy[0].retention", "that of the job", "built-in"],
      ["jobs.default.copy[1].region", "us-east-1", "config.yaml:25"],
      ["jobs.default.copy[1].kmsKeyId", "alias/backup", "config.yaml:26"],
      ["jobs.default.copy[1].retention", "daily 30, monthly 12 (Europe/Berlin)", "config.yaml:27"],
      ["jobs.default.copy[1].completeWithin", "4h", "config.yaml:28"],
      ["jobs.default.waits.request", "30s", "config.yaml:14"],
      ["jobs.default.waits.capture", "30s", "config.yaml:15"],
    ]);
  });

  it("says in words what an empty policy and absent values mean", () => {
    const values = effectiveValues(resolve({ file: sample, tags: {} }));
    const of = (path: string) => values.find((value) => value.path === path);
    expect(of("jobs.archive.retention")).toMatchObject({
      value: "everything is kept",
      origin: "config.yaml:32",
    });
    expect(of("jobs.archive.schedule")).toMatchObject({ value: "by hand only", origin: "built-in" });
    expect(of("jobs.archive.volumes.include")).toMatchObject({ value: "all" });
    expect(of("jobs.archive.volumes.exclude")).toMatchObject({ value: "none" });
    expect(of("tags.add.CostCenter")).toMatchObject({ value: '"4711"', origin: "config.yaml:33" });
  });

  it("shows outputs and notices with their places, and of a ping's URL no more than that there is one", () => {
    const resolved = resolve({ file: sample, tags: {} });
    const own = effectiveValues(resolved).filter(({ path }) => /^(metrics|notify)\./.test(path));
    expect(own.map(({ path, value, origin }) => [path, value, origin])).toEqual([
      ["metrics.namespace", "EC2Backup", "config.yaml:35"],
      ["metrics.dimensions", "Server, Job", "config.yaml:36"],
      ["metrics.enabled", "true", "config.yaml:37"],
      ["metrics.output", "cloudwatch, emf, prometheus", "config.yaml:38"],
      ["metrics.only", "Errors, Size", "config.yaml:39"],
      ["metrics.perVolume", "true", "config.yaml:40"],
      ["metrics.emf.endpoint", "udp://[::1]:25888", "config.yaml:41"],
      ["metrics.emf.logGroup", "ec2-backup", "config.yaml:41"],
      ["metrics.prometheus.directory", "/srv/textfile", "config.yaml:42"],
      ["notify.topic", "arn:aws:sns:eu-central-1:123456789012:backups", "config.yaml:44"],
      ["notify.on", "always", "config.yaml:45"],
      ["notify.ping.url", "given, not shown", "config.yaml:46"],
      ["notify.ping.timeout", "5s", "config.yaml:46"],
    ]);
    expect(formatResolution(resolved).join("")).not.toContain("hush");
  });

  it("shows what outputs and notices are where nobody wrote of them", () => {
    const values = effectiveValues(resolve({ tags: {} }));
    const of = (path: string) => values.find((value) => value.path === path);
    expect(of("metrics.output")).toMatchObject({ value: "cloudwatch", origin: "built-in" });
    expect(of("metrics.only")).toMatchObject({ value: "all", origin: "built-in" });
    expect(of("notify.topic")).toMatchObject({ value: "none", origin: "built-in" });
    expect(values.filter(({ path }) => /emf|prometheus|ping/.test(path))).toEqual([]);
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
