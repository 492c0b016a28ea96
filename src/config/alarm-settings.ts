import { type AlarmSettings, defaultAlarmSettings } from "../core/alarm-settings.ts";
import { formatDuration } from "../core/duration.ts";
import { Origins } from "./origins.ts";
import type { ParsedFile } from "./parse.ts";
import { type Path, pathText } from "./path.ts";

/** What the file says of alarms, above the built-in values. Runs do not need it, so it stands apart. */
export function alarmSettingsOf(file: ParsedFile | undefined): AlarmSettings {
  const { topic, createTopic, email, slowerThan, prices } = file?.config.alarms ?? {};
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(createTopic === undefined ? {} : { createTopic }),
    email: email ?? defaultAlarmSettings.email,
    slowerThan: slowerThan ?? defaultAlarmSettings.slowerThan,
    prices: { ...defaultAlarmSettings.prices, ...prices },
  };
}

/** The same as values with their origins, for check-config. */
export function alarmValues(
  file: ParsedFile,
): { readonly path: string; readonly value: string; readonly origin: string }[] {
  const { topic, createTopic, email, slowerThan, prices } = alarmSettingsOf(file);
  const origins = new Origins(file);
  const { alarms } = file.config;
  const values: [Path, unknown, string][] = [
    [["alarms", "topic"], alarms?.topic, topic ?? "none"],
    [["alarms", "createTopic"], alarms?.createTopic, createTopic ?? "none"],
    [["alarms", "email"], alarms?.email, email.length === 0 ? "none" : email.join(", ")],
    [
      ["alarms", "slowerThan"],
      alarms?.slowerThan,
      slowerThan === "auto" ? slowerThan : formatDuration(slowerThan),
    ],
    [
      ["alarms", "prices"],
      alarms?.prices,
      `metric $${prices.metric}, alarm $${prices.alarm}, dashboard $${prices.dashboard} a month (${prices.asOf})`,
    ],
  ];
  return values.map(([path, given, value]) => {
    origins.pick(path, given, given);
    return { path: pathText(path), value, origin: origins.record[pathText(path)] ?? "built-in" };
  });
}
