import {
  type CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  ListTagsForResourceCommand,
  type MetricAlarm,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import type { FoundAlarm, WrittenAlarm } from "../core/alarm.ts";
import type { ActionTaken, AlarmService } from "../core/alarm-ports.ts";
import { inGroups } from "../core/in-groups.ts";
import { askAws } from "./ask.ts";
import { tagsOf } from "./discover.ts";
import { listed } from "./listed-tags.ts";
import { pages } from "./pages.ts";

/** CloudWatch takes at most so many names in one request. */
const namesAtOnce = 100;

/** The alarms of CloudWatch. `timeout` is for one request with all its tries, in ms. */
export function cloudWatchAlarms(
  client: CloudWatchClient,
  timeout: number,
  signal: AbortSignal,
): AlarmService {
  const ask = <T>(doing: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>) =>
    askAws(timeout, signal, doing, (abortSignal) => send({ abortSignal }));
  return {
    async find(prefix) {
      const doing = `list the alarms ${prefix}*`;
      const found: FoundAlarm[] = [];
      for await (const page of pages(doing, (next) => {
        const command = new DescribeAlarmsCommand({
          AlarmNamePrefix: prefix,
          AlarmTypes: ["MetricAlarm"],
          MaxRecords: namesAtOnce,
          ...next,
        });
        return ask(doing, (options) => client.send(command, options));
      })) {
        found.push(...(page.MetricAlarms ?? []).map(foundOf));
      }
      return found;
    },
    async put(alarm, options = {}) {
      const command = new PutMetricAlarmCommand(inputOf(alarm, options));
      await ask(`write the alarm ${alarm.name}`, (send) => client.send(command, send));
    },
    async remove(names) {
      for (const some of inGroups(names, namesAtOnce)) {
        const command = new DeleteAlarmsCommand({ AlarmNames: some });
        await ask("delete alarms", (options) => client.send(command, options));
      }
    },
    async enableActions(names, enabled) {
      for (const AlarmNames of inGroups(names, namesAtOnce)) {
        await ask(`${enabled ? "enable" : "disable"} the actions of alarms`, (options) =>
          enabled
            ? client.send(new EnableAlarmActionsCommand({ AlarmNames }), options)
            : client.send(new DisableAlarmActionsCommand({ AlarmNames }), options),
        );
      }
    },
    async tagsOf(arn) {
      const command = new ListTagsForResourceCommand({ ResourceARN: arn });
      const answer = await ask(`read the tags of ${arn}`, (options) => client.send(command, options));
      return tagsOf(answer.Tags);
    },
    async tag(arn, tags) {
      const command = new TagResourceCommand({ ResourceARN: arn, Tags: listed(tags) });
      await ask(`tag ${arn}`, (options) => client.send(command, options));
    },
    async untag(arn, keys) {
      const command = new UntagResourceCommand({ ResourceARN: arn, TagKeys: [...keys] });
      await ask(`take tags off ${arn}`, (options) => client.send(command, options));
    },
    async setState(name, state, reason) {
      const command = new SetAlarmStateCommand({ AlarmName: name, StateValue: state, StateReason: reason });
      await ask(`set the alarm ${name} to ${state}`, (options) => client.send(command, options));
    },
    async actionsSince(name, since) {
      const doing = `read the history of the alarm ${name}`;
      const command = new DescribeAlarmHistoryCommand({
        AlarmName: name,
        HistoryItemType: "Action",
        StartDate: since,
        ScanBy: "TimestampDescending",
        MaxRecords: namesAtOnce,
      });
      const answer = await ask(doing, (options) => client.send(command, options));
      const items = answer.AlarmHistoryItems ?? [];
      return items
        .map((item): ActionTaken => takenOf(name, item.HistorySummary ?? "", item.Timestamp))
        .reverse();
    },
    async putDashboard(name, body) {
      const command = new PutDashboardCommand({ DashboardName: name, DashboardBody: body });
      const answer = await ask(`write the dashboard ${name}`, (options) => client.send(command, options));
      const said = answer.DashboardValidationMessages ?? [];
      return said.map(({ DataPath, Message }) => `${DataPath ?? "dashboard"}: ${Message ?? ""}`);
    },
  };
}

/** Without a unit: one that differs from the data's "attempts to retrieve a metric that doesn't exist". */
function inputOf(
  alarm: WrittenAlarm,
  { warmUpMinutes, actionsEnabled = true }: NonNullable<Parameters<AlarmService["put"]>[1]>,
): PutMetricAlarmCommandInput {
  return {
    AlarmName: alarm.name,
    AlarmDescription: alarm.description,
    ActionsEnabled: actionsEnabled,
    AlarmActions: [...alarm.actions],
    OKActions: [...alarm.actions],
    Namespace: alarm.namespace,
    MetricName: alarm.metric,
    Dimensions: Object.entries(alarm.dimensions).map(([Name, Value]) => ({ Name, Value })),
    Statistic: "Maximum",
    ComparisonOperator: "GreaterThanThreshold",
    Threshold: alarm.threshold,
    Period: alarm.period,
    EvaluationPeriods: alarm.evaluationPeriods,
    DatapointsToAlarm: alarm.datapointsToAlarm,
    TreatMissingData: alarm.treatMissingData,
    Tags: listed(alarm.tags),
    ...(warmUpMinutes === undefined
      ? {}
      : {
          WarmUpConfiguration: {
            WarmUpPeriodDurationInMinutes: warmUpMinutes,
            // Else it would begin with the first data, when nobody has seen yet whether more follow in time.
            OnlyStartEvaluatingAfterWarmUpPeriodEnds: true,
          },
        }),
  };
}

function foundOf(alarm: MetricAlarm): FoundAlarm {
  const since = alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp;
  const warmUp = alarm.WarmUpConfiguration?.WarmUpPeriodDurationInMinutes;
  const made = alarm.AlarmConfigurationUpdatedTimestamp?.getTime();
  return {
    name: alarm.AlarmName ?? "",
    arn: alarm.AlarmArn ?? "",
    description: alarm.AlarmDescription ?? "",
    namespace: alarm.Namespace ?? "",
    metric: alarm.MetricName ?? "",
    dimensions: Object.fromEntries(
      (alarm.Dimensions ?? []).map(({ Name, Value }) => [Name ?? "", Value ?? ""]),
    ),
    statistic: alarm.Statistic ?? alarm.ExtendedStatistic ?? "none",
    comparison: alarm.ComparisonOperator ?? "",
    threshold: alarm.Threshold ?? Number.NaN,
    period: alarm.Period ?? 0,
    evaluationPeriods: alarm.EvaluationPeriods ?? 0,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 0,
    treatMissingData: alarm.TreatMissingData ?? "missing",
    ...(alarm.Unit === undefined ? {} : { unit: alarm.Unit }),
    alarmActions: alarm.AlarmActions ?? [],
    okActions: alarm.OKActions ?? [],
    insufficientDataActions: alarm.InsufficientDataActions ?? [],
    actionsEnabled: alarm.ActionsEnabled ?? true,
    state: alarm.StateValue ?? "INSUFFICIENT_DATA",
    reason: alarm.StateReason ?? "",
    ...(since === undefined ? {} : { since: since.toISOString() }),
    ...(warmUp === undefined ? {} : { warmUpMinutes: warmUp }),
    ...(warmUp === undefined || made === undefined
      ? {}
      : { sparedUntil: new Date(made + warmUp * 60_000).toISOString() }),
  };
}

/** "Successfully executed action arn:..." or "Failed to execute action arn:..." is what CloudWatch writes. */
function takenOf(alarm: string, summary: string, at: Date | undefined): ActionTaken {
  const target = /\barn:[^\s"]+/.exec(summary)?.[0];
  return {
    alarm,
    at: (at ?? new Date(0)).toISOString(),
    summary,
    succeeded: /^Successfully/.test(summary),
    ...(target === undefined ? {} : { target }),
  };
}
