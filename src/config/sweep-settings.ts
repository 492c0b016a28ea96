import { formatDuration } from "../core/duration.ts";
import type { SweepRole } from "../core/sweep-ports.ts";
import {
  defaultSweepSettings,
  type SweepCopyRules,
  type SweepCopyTarget,
  type SweepCreateRules,
  type SweepSettings,
  type TaggedRules,
} from "../core/sweep-settings.ts";
import { Origins } from "./origins.ts";
import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";
import type { FileRetention } from "./retention-schema.ts";
import type { FileSweep } from "./sweep-schema.ts";

/** What the file says of sweeps, above the built-in values. Runs do not need it, so it stands apart. */
export function sweepSettingsOf(file: ParsedFile | undefined): SweepSettings {
  const given: FileSweep = file?.config.sweep ?? {};
  const {
    regions,
    accounts,
    unitDeadline,
    parallel,
    prune = {},
    alarms,
  }: FileSweep = file?.config.sweep ?? {};
  const { scope, prune: usual, alarms: usualAlarms } = defaultSweepSettings;
  const { expireLastAfter = "never", expireLastAfterOfGroups = usual.expireLastAfterOfGroups } = prune;
  return {
    scope: {
      regions: regions ?? scope.regions,
      accounts: accounts?.map((one) => (one === "self" ? one : roleOf(one))) ?? scope.accounts,
      unitDeadline: unitDeadline ?? scope.unitDeadline,
      parallel: parallel ?? scope.parallel,
    },
    prune: {
      ...(expireLastAfter === "never" ? {} : { expireLastAfter }),
      ...(expireLastAfterOfGroups === undefined || expireLastAfterOfGroups === "never"
        ? {}
        : { expireLastAfterOfGroups }),
      seriesOfGroups: prune.seriesOfGroups ?? usual.seriesOfGroups,
      minimumAge: prune.minimumAge ?? usual.minimumAge,
      mark: prune.mark ?? usual.mark,
    },
    create: createOf(given.create),
    creates: given.create !== undefined,
    ...(given.stanzas === undefined ? {} : { stanzas: given.stanzas }),
    copy: copyOf(given),
    copies: given.copy !== undefined && given.copy !== false,
    alarms: { clean: alarms?.clean ?? usualAlarms.clean },
    audit: {
      requests: given.audit?.requests ?? defaultSweepSettings.audit.requests,
      prices: { ...defaultSweepSettings.audit.prices, ...given.audit?.price },
    },
    margin: given.lambdaMargin ?? defaultSweepSettings.margin,
  };
}

function createOf({
  overdueAfter,
  filters,
  all,
  unattached,
  retention,
  stop,
  stopFor,
  startFor,
}: NonNullable<FileSweep["create"]> = {}): SweepCreateRules {
  const usual = defaultSweepSettings.create;
  return {
    overdueAfter: overdueAfter ?? usual.overdueAfter,
    filters: filters ?? usual.filters,
    all: all ?? usual.all,
    unattached: unattached ?? usual.unattached,
    stop: stop ?? usual.stop,
    stopFor: stopFor ?? usual.stopFor,
    startFor: startFor ?? usual.startFor,
    ...(retention === undefined ? {} : { retention: taggedOf(retention) }),
  };
}

function copyOf({ copy, copyAfter }: FileSweep): SweepCopyRules {
  const targets = Array.isArray(copy) ? copy : [];
  return {
    targets: targets.map(({ region, kmsKeyId, retention, completeWithin }) => ({
      region,
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
      ...(retention === undefined ? {} : { retention: taggedOf(retention) }),
      ...(completeWithin === undefined ? {} : { completeWithin: completeWithin / 60_000 }),
    })),
    after: copyAfter ?? defaultSweepSettings.copy.after,
  };
}

function taggedOf({ within, ...counts }: FileRetention): TaggedRules {
  return within === undefined ? { counts } : { counts, within };
}

type FileRole = Exclude<NonNullable<FileSweep["accounts"]>[number], "self">;

function roleOf({ role, externalId, name }: FileRole): SweepRole {
  return {
    arn: role,
    ...(externalId === undefined ? {} : { externalId }),
    ...(name === undefined ? {} : { name }),
  };
}

/** The same as values with their origins, for check-config. An external id is no secret to AWS, and not shown all the same. */
export function sweepValues(
  file: ParsedFile,
): { readonly path: string; readonly value: string; readonly origin: string }[] {
  const given: FileSweep = file.config.sweep ?? {};
  const { scope, prune, create, creates, copy, copies, alarms, margin, stanzas, audit } =
    sweepSettingsOf(file);
  const origins = new Origins(file);
  const within = (ms: number | undefined) => (ms === undefined ? "never" : formatDuration(ms));
  const values: [Path, unknown, string][] = [
    [["regions"], given.regions, scope.regions === "all" ? "all" : scope.regions.join(", ") || "the own one"],
    [["accounts"], given.accounts, scope.accounts.map(accountText).join(", ")],
    [["unitDeadline"], given.unitDeadline, formatDuration(scope.unitDeadline)],
    [["parallel"], given.parallel, String(scope.parallel)],
    [["prune", "expireLastAfter"], given.prune?.expireLastAfter, within(prune.expireLastAfter)],
    [
      ["prune", "expireLastAfterOfGroups"],
      given.prune?.expireLastAfterOfGroups,
      within(prune.expireLastAfterOfGroups),
    ],
    [["prune", "seriesOfGroups"], given.prune?.seriesOfGroups, prune.seriesOfGroups],
    [["prune", "minimumAge"], given.prune?.minimumAge, formatDuration(prune.minimumAge)],
    [["prune", "mark"], given.prune?.mark, prune.mark === 0 ? "no mark" : formatDuration(prune.mark)],
    ...(creates ? createValues(create, given) : []),
    [["alarms", "clean"], given.alarms?.clean, String(alarms.clean)],
    [["audit", "requests"], given.audit?.requests, String(audit.requests)],
    [
      ["audit", "price"],
      given.audit?.price,
      `$${audit.prices.standard} a GiB-month, archived $${audit.prices.archive} (${audit.prices.asOf})`,
    ],
    [["lambdaMargin"], given.lambdaMargin, formatDuration(margin)],
    ...(stanzas === undefined ? [] : [[["stanzas"], stanzas, stanzas] as [Path, unknown, string]]),
    [["copy"], given.copy, copies ? ["as recorded", ...copy.targets.map(targetText)].join(", ") : "no"],
    [["copyAfter"], given.copyAfter, formatDuration(copy.after)],
  ];
  return values.map(([path, written, value]) => {
    const at = ["sweep", ...path];
    origins.pick(at, written, written);
    return { path: pathText(at), value, origin: origins.record[pathText(at)] ?? "built-in" };
  });
}

function rulesText(retention: TaggedRules | undefined): string {
  const rules = { ...retention?.counts, within: retention?.within };
  const kept = Object.entries(rules).flatMap(([rule, value]) =>
    value === undefined ? [] : [`${rule} ${rule === "within" ? formatDuration(value) : value}`],
  );
  return kept.join(", ");
}

function targetText({ region, kmsKeyId, retention }: SweepCopyTarget): string {
  const more = [...(kmsKeyId === undefined ? [] : [`key ${kmsKeyId}`]), rulesText(retention)].filter(Boolean);
  return more.length === 0 ? region : `${region} (${more.join(", ")})`;
}

function createValues(
  { overdueAfter, filters, all, unattached, retention, stop, stopFor, startFor }: SweepCreateRules,
  { create: given = {} }: FileSweep,
): [Path, unknown, string][] {
  return [
    [["create", "overdueAfter"], given.overdueAfter, formatDuration(overdueAfter)],
    [
      ["create", "filters"],
      given.filters,
      filters.map(({ name, values }) => `${name}=${values.join(",")}`).join(" and ") || "none",
    ],
    [["create", "all"], given.all, String(all)],
    [["create", "unattached"], given.unattached, String(unattached)],
    [["create", "stop"], given.stop, String(stop)],
    [["create", "stopFor"], given.stopFor, formatDuration(stopFor)],
    [["create", "startFor"], given.startFor, formatDuration(startFor)],
    [["create", "retention"], given.retention, rulesText(retention) || "as points and tags have it"],
  ];
}

function accountText(one: "self" | SweepRole): string {
  if (one === "self") return one;
  return one.name === undefined ? one.arn : `${one.name} (${one.arn})`;
}
