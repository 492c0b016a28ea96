import { describe, expect, test } from "vitest";
import { toLastGood } from "../../src/config/last-good.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";
import { effectiveValues } from "../../src/config/print.ts";
import { fromLastGood } from "../../src/config/read-last-good.ts";
import { resolve } from "../../src/config/resolve.ts";
import { fileOf } from "./file-of.ts";

const head = "version: 1\njobs: { default: { retention: { last: 3 } } }\n";

function logOf(text: string) {
  const resolution = resolve({ file: fileOf(`${head}${text}\n`), tags: {} });
  const shown = effectiveValues(resolution).filter(({ path }) => path.startsWith("log."));
  return {
    log: resolution.settings.log,
    lines: shown.map(({ path, value, origin }) => `${path} ${value} ${origin}`),
    resolution,
  };
}

describe("the configured log", () => {
  test("is the console alone where nothing is said", () => {
    const { log, lines } = logOf("");
    expect(log).toEqual({ level: "info", format: "auto", flushWithin: 1_000, eventLog: false });
    expect(lines).toEqual([
      "log.level info built-in",
      "log.format auto built-in",
      "log.file none built-in",
      "log.syslog none built-in",
      "log.eventLog false built-in",
      "log.flushWithin 1s built-in",
    ]);
  });

  test("shows each value of a sink with its origin, and none that does not matter", () => {
    const { log, lines } = logOf(
      "log:\n  file: { path: /var/log/x.log, maxSize: 3kB }\n  syslog:\n    protocol: tcp6\n    queue: 50",
    );
    expect(log).toMatchObject({
      file: { path: "/var/log/x.log", maxSize: 3_000, maxFiles: 5 },
      syslog: {
        protocol: "tcp6",
        host: "::1",
        port: 514,
        facility: "daemon",
        appName: "ec2-backup",
        queue: 50,
      },
    });
    expect(lines.slice(2, -2).sort()).toEqual([
      "log.file.maxFiles 5 built-in",
      "log.file.maxSize 3000 bytes config.yaml:4",
      "log.file.path /var/log/x.log config.yaml:4",
      "log.syslog.appName ec2-backup built-in",
      "log.syslog.facility daemon built-in",
      "log.syslog.host ::1 built-in",
      "log.syslog.port 514 built-in",
      "log.syslog.protocol tcp6 config.yaml:6",
      "log.syslog.queue 50 config.yaml:7",
    ]);
    const local = logOf("log: { syslog: {} }").lines;
    expect(local).toContain("log.syslog.socket /dev/log built-in");
    expect(local.join()).not.toMatch(/syslog\.(host|port)/);
  });

  test.each([
    ["1KiB", 1_024],
    ["20kB", 20_000],
    ["5MiB", 5 * 1_024 ** 2],
    ["5MB", 5_000_000],
    ["1GiB", 1_024 ** 3],
    ["2GB", 2e9],
  ])("takes a size as %s", (size, bytes) => {
    expect(logOf(`log: { file: { path: /x, maxSize: ${size} } }`).log.file?.maxSize).toBe(bytes);
  });

  test.each(["10", "1B", "1000GB ", "0kB", "1.5MB", "5mb", "-5MB", "1025GiB", "1kib"])(
    "takes %s for no size",
    (size) => {
      const text = `${head}log: { file: { path: /x, maxSize: "${size}" } }\n`;
      expect(parseConfig(text, "config.yaml").ok).toBe(false);
    },
  );

  test("is believed where the rest of the file is faulty, and not where it is faulty itself", () => {
    const faulty = "version: 1\njobs: 7\nlog: { syslog: { protocol: tcp4 } }\n";
    expect(parseConfig(faulty, "config.yaml")).toMatchObject({
      ok: false,
      log: { syslog: { protocol: "tcp4" } },
    });
    const worse = faulty.replace("tcp4", "tls");
    expect(parseConfig(worse, "config.yaml")).not.toHaveProperty("log");
  });

  test("is kept with the last good configuration, and one of an earlier release is read", () => {
    const { resolution, log } = logOf(
      "log: { eventLog: true, file: { path: /x }, syslog: { protocol: udp4 } }",
    );
    const record = JSON.parse(JSON.stringify(toLastGood(resolution, new Date(0))));
    expect(fromLastGood(record)?.settings.log).toEqual(log);
    record.settings.log = { level: "warn", format: "json" };
    expect(fromLastGood(record)?.settings.log).toEqual({
      level: "warn",
      format: "json",
      flushWithin: 1_000,
      eventLog: false,
    });
    record.settings.log.syslog = { protocol: "carrier pigeon" };
    expect(fromLastGood(record)).toBe(undefined);
  });
});
