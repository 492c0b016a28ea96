import type { Drill } from "../core/drill.ts";
import { formatDuration } from "../core/duration.ts";
import { defaultTimezone } from "./defaults.ts";
import { drillDefaults, type FileDrill } from "./drill-schema.ts";
import { Origins } from "./origins.ts";
import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";

/** The drills of the file with everything that it left to us. Runs do not need them, so they stand apart. */
export function drillsOf(file: ParsedFile | undefined): readonly Drill[] {
  const { drill = {}, timezone = defaultTimezone } = file?.config ?? {};
  return Object.entries(drill).map(([name, given]) => drillOf(name, given, timezone));
}

function drillOf(name: string, given: FileDrill, zone: string): Drill {
  const { schedule, missedAfter, checks = {} } = given;
  const { fsck = true, raw = [], files = [], checksums, command } = checks;
  return {
    name,
    ...(schedule === undefined ? {} : { schedule }),
    timezone: given.timezone ?? zone,
    splay: given.splay ?? (schedule === undefined ? 0 : drillDefaults.splay),
    ...(missedAfter === undefined ? {} : { missedAfter }),
    of: given.of ?? [],
    jobs: given.jobs ?? [],
    checks: {
      fsck,
      raw,
      files: files.map((one) => (typeof one === "string" ? { path: one } : one)),
      ...(checksums?.inside === undefined ? {} : { checksums: { inside: checksums.inside } }),
      ...(checksums?.host === undefined ? {} : { checksums: { host: checksums.host } }),
      ...(command && { command: { env: {}, timeout: drillDefaults.commandTimeout, ...command } }),
    },
    maxSizeGiB: given.maxSize ?? drillDefaults.maxSizeGiB,
    lifetime: given.lifetime ?? drillDefaults.lifetime,
    timeout: given.timeout ?? drillDefaults.timeout,
  };
}

/** The same as values with their origins, for check-config. */
export function drillValues(
  file: ParsedFile,
): { readonly path: string; readonly value: string; readonly origin: string }[] {
  const origins = new Origins(file);
  return drillsOf(file).flatMap((drill) => {
    const given: Partial<FileDrill> = file.config.drill?.[drill.name] ?? {};
    return valuesOf(drill, given).map(([path, written, value]) => {
      const at = ["drill", drill.name, ...path];
      origins.pick(at, written, written);
      return { path: pathText(at), value, origin: origins.record[pathText(at)] ?? "built-in" };
    });
  });
}

function valuesOf(drill: Drill, given: Partial<FileDrill>): [Path, unknown, string][] {
  const { checks = {} } = given;
  const { fsck, raw, files, checksums, command } = drill.checks;
  const sums =
    checksums === undefined ? "none" : "inside" in checksums ? checksums.inside : `${checksums.host} here`;
  const list = (words: readonly string[], none: string) => (words.length === 0 ? none : words.join(", "));
  const paths = files.map(({ path, newerThan }) =>
    newerThan === undefined ? path : `${path} (newer than ${formatDuration(newerThan)})`,
  );
  return [
    [["schedule"], given.schedule, drill.schedule ?? "by hand only"],
    [["timezone"], given.timezone, drill.timezone],
    [["splay"], given.splay, formatDuration(drill.splay)],
    [
      ["missedAfter"],
      given.missedAfter,
      drill.missedAfter === undefined ? "by its schedule" : formatDuration(drill.missedAfter),
    ],
    [["of"], given.of, list(drill.of, "this instance")],
    [["jobs"], given.jobs, list(drill.jobs, "every job")],
    [["checks", "fsck"], checks.fsck, String(fsck)],
    [["checks", "raw"], checks.raw, list(raw, "none")],
    [["checks", "files"], checks.files, list(paths, "none")],
    [["checks", "checksums"], checks.checksums, sums],
    [
      ["checks", "command"],
      checks.command,
      command === undefined
        ? "none"
        : `${command.run.join(" ")}${command.user === undefined ? "" : ` as ${command.user}`}`,
    ],
    [["maxSize"], given.maxSize, `${drill.maxSizeGiB} GiB`],
    [["lifetime"], given.lifetime, formatDuration(drill.lifetime)],
    [["timeout"], given.timeout, formatDuration(drill.timeout)],
  ];
}
