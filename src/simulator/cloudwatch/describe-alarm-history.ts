import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { paginate } from "../pagination.ts";
import type { Decoded } from "../shapes.ts";

/** The parameters of DescribeAlarmHistory. */
export const describeAlarmHistoryShape = {
  AlarmName: "string",
  AlarmContributorId: "string",
  AlarmTypes: ["string"],
  HistoryItemType: "string",
  StartDate: "timestamp",
  EndDate: "timestamp",
  MaxRecords: "integer",
  NextToken: "string",
  ScanBy: "string",
} as const;

/** Lines of history, newest first unless asked otherwise; those of deleted alarms too. @throws ApiError */
export function describeAlarmHistory(
  input: Decoded<typeof describeAlarmHistoryShape>,
  { world }: Context,
): unknown {
  const { NextToken: nextToken, MaxRecords: most = 100, ...fingerprint } = input;
  if (most < 1 || most > 100) throw new ApiError("ValidationError", "MaxRecords must be between 1 and 100");
  const { AlarmName: name, HistoryItemType: type, StartDate: start, EndDate: end } = input;
  const types = input.AlarmTypes.length === 0 ? ["MetricAlarm"] : input.AlarmTypes;
  const found = world.alarmHistory
    .map((item, index) => ({ item, index }))
    .filter(
      ({ item }) =>
        types.includes("MetricAlarm") &&
        (name === undefined || item.alarm === name) &&
        (type === undefined || item.type === type) &&
        item.time >= (start ?? 0) &&
        item.time <= (end ?? Number.POSITIVE_INFINITY),
    );
  const ascending = input.ScanBy === "TimestampAscending";
  const order = ({ index }: { index: number }) => (ascending ? index : 1e9 - index);
  const page = paginate(found, {
    action: "DescribeAlarmHistory",
    fingerprint,
    maxResults: most,
    nextToken,
    keyOf: (entry) => String(order(entry)).padStart(10, "0"),
    short: world.settings.shortPages,
    invalidToken: "InvalidNextToken",
  });
  const items = page.things.map(({ item }) => ({
    AlarmName: item.alarm,
    AlarmType: "MetricAlarm",
    Timestamp: new Date(item.time),
    HistoryItemType: item.type,
    HistorySummary: item.summary,
    HistoryData: item.data,
  }));
  return {
    AlarmHistoryItems: items,
    ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
  };
}
