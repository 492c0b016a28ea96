import { ApiError } from "../api-error.ts";
import { cloudwatchRates } from "../buckets.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { alarmOperations } from "./alarm-operations.ts";
import { dashboardOperations } from "./dashboards.ts";
import { getMetricData, getMetricDataShape } from "./get-metric-data.ts";
import { getMetricStatistics, getMetricStatisticsShape } from "./get-metric-statistics.ts";
import { listMetrics, listMetricsShape } from "./list-metrics.ts";
import { putMetricData, putMetricDataShape } from "./put-metric-data.ts";

/** CloudWatch: metrics, alarms and dashboards. */
export const cloudwatch: ServiceTable = {
  service: "cloudwatch",
  operations: {
    PutMetricData: operation({
      shape: putMetricDataShape,
      changes: true,
      conditions: ({ Namespace: namespace }) =>
        namespace === undefined ? {} : { "cloudwatch:namespace": namespace },
      run: putMetricData,
    }),
    GetMetricStatistics: operation({
      shape: getMetricStatisticsShape,
      changes: false,
      run: getMetricStatistics,
    }),
    GetMetricData: operation({ shape: getMetricDataShape, changes: false, run: getMetricData }),
    ListMetrics: operation({ shape: listMetricsShape, changes: false, run: listMetrics }),
    ...alarmOperations,
    ...dashboardOperations,
  },
  rates: cloudwatchRates,
  unknownAction: (action) =>
    new ApiError("InvalidAction", `Could not find operation ${action} for version 2010-08-01`),
};
