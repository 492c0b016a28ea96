import type { FoundAlarm } from "./alarm.ts";
import type { MetricName } from "./metrics.ts";

/** What a dashboard shows of: one instance with its jobs, or every instance that publishes there. */
export interface DashboardScope {
  readonly region: string;
  readonly namespace: string;
  readonly dimensions: readonly string[];
  /** Absent = the fleet. */
  readonly instance?: { readonly id: string; readonly name?: string; readonly jobs: readonly string[] };
  /** Those of the instance. */
  readonly alarms: readonly Pick<FoundAlarm, "arn">[];
}

const graphs: readonly { title: string; metric: MetricName; stat: string; period: number }[] = [
  {
    title: "Age of the newest complete point (s)",
    metric: "SecondsSinceLastBackup",
    stat: "Maximum",
    period: 3600,
  },
  { title: "Errors", metric: "Errors", stat: "Maximum", period: 3600 },
  { title: "Duration of runs (s)", metric: "ElapsedTime", stat: "Maximum", period: 3600 },
  { title: "Complete points", metric: "RecoveryPoints", stat: "Minimum", period: 3600 },
  { title: "Size of the newest point (bytes)", metric: "Size", stat: "Maximum", period: 3600 },
  { title: "Frozen time (ms)", metric: "FrozenTime", stat: "Maximum", period: 3600 },
];

/** CloudWatch (PutDashboard): at most 255 of A-Z a-z 0-9 - _; dashboards are the account's, in all regions. */
export function dashboardName({ region, instance }: Pick<DashboardScope, "region" | "instance">): string {
  return instance === undefined ? `ec2-backup-fleet-${region}` : `ec2-backup-${instance.id}`;
}

/** The body of a dashboard, as CloudWatch's dashboard source has it: a grid 24 wide. */
export function dashboardBody(scope: DashboardScope): string {
  const { alarms, instance } = scope;
  const title = instance === undefined ? "Backups of all instances" : `Backups of ${nameOf(instance)}`;
  const head = {
    type: "text",
    x: 0,
    y: 0,
    width: 24,
    height: 1,
    properties: { markdown: `## ${title}`, background: "transparent" },
  };
  const states =
    alarms.length === 0
      ? []
      : [
          {
            type: "alarm",
            x: 0,
            y: 1,
            width: 24,
            height: 3,
            properties: { title: "Alarms", alarms: alarms.map(({ arn }) => arn).slice(0, 100) },
          },
        ];
  const top = 1 + (states.length === 0 ? 0 : 3);
  const widgets = graphs.map((graph, index) => ({
    type: "metric",
    x: (index % 2) * 12,
    y: top + Math.floor(index / 2) * 6,
    width: 12,
    height: 6,
    properties: {
      title: graph.title,
      region: scope.region,
      view: "timeSeries",
      stat: graph.stat,
      period: graph.period,
      metrics: metricsOf(graph, scope),
      yAxis: { left: { min: 0 } },
    },
  }));
  return JSON.stringify({ start: "-P14D", widgets: [head, ...states, ...widgets] });
}

function nameOf({ id, name }: { readonly id: string; readonly name?: string }): string {
  return name === undefined ? id : `${name} (${id})`;
}

/** A fleet is found by a search, so that instances which come later are on it too. */
function metricsOf(
  { metric, stat, period }: (typeof graphs)[number],
  { namespace, dimensions, instance }: DashboardScope,
): unknown[] {
  if (instance === undefined) {
    const schema = [namespace, ...dimensions]
      .map((part) => (/^\w+$/.test(part) ? part : `"${part}"`))
      .join(",");
    return [
      [
        {
          id: "e1",
          label: "",
          expression: `SEARCH('{${schema}} MetricName="${metric}"', '${stat}', ${period})`,
        },
      ],
    ];
  }
  const jobs = dimensions.includes("Job") ? instance.jobs : [undefined];
  return jobs.map((job) => [
    namespace,
    metric,
    ...dimensions.flatMap((name) => [name, name === "Job" ? job : instance.id]),
    ...(job === undefined ? [] : [{ label: job }]),
  ]);
}
