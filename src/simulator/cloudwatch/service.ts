import { authorize } from "../access.ts";
import { ApiError, commonError } from "../api-error.ts";
import { cloudwatchRates, takeToken } from "../buckets.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import { decodeQuery } from "../query-protocol.ts";
import { type Decoded, type DecodeFailure, decodeData, type StructureShape } from "../shapes.ts";
import { getMetricStatistics, getMetricStatisticsShape } from "./get-metric-statistics.ts";
import { listMetrics, listMetricsShape } from "./list-metrics.ts";
import { putMetricData, putMetricDataShape } from "./put-metric-data.ts";

interface Operation {
  shape: StructureShape;
  changes: boolean;
  run(input: never, context: Context): unknown;
}

function operation<S extends StructureShape>(
  shape: S,
  changes: boolean,
  run: (input: Decoded<S>, context: Context) => unknown,
): Operation {
  return { shape, changes, run };
}

const operations: Readonly<Record<string, Operation>> = {
  PutMetricData: operation(putMetricDataShape, true, putMetricData),
  GetMetricStatistics: operation(getMetricStatisticsShape, false, getMetricStatistics),
  ListMetrics: operation(listMetricsShape, false, listMetrics),
};

/** Parameters as they came: a form of the query protocol, or data of JSON or CBOR. */
export type CloudWatchInput = { form: URLSearchParams } | { data: unknown };

/** What a decoded request to CloudWatch will do. */
export interface CloudWatchRequest {
  parameters: unknown;
  changes: boolean;
  /** @throws ApiError */
  execute(context: Context): unknown;
}

/** Decodes a request. @throws ApiError */
export function readCloudWatchRequest(action: string, input: CloudWatchInput): CloudWatchRequest {
  const operation = own(operations, action);
  if (operation === undefined) {
    throw new ApiError("InvalidAction", `Could not find operation ${action} for version 2010-08-01`);
  }
  const parameters = (
    "form" in input
      ? decodeQuery(operation.shape, input.form, "query", malformed)
      : decodeData(operation.shape, input.data, malformed)
  ) as never;
  return {
    parameters,
    changes: operation.changes,
    execute(context) {
      const { world, principal, elapsed } = context;
      const rate = cloudwatchRates[action];
      if (rate && world.settings.limits && !takeToken(world.buckets, `cloudwatch ${action}`, rate, elapsed)) {
        throw commonError("cloudwatch", "throttled");
      }
      authorize(world, "cloudwatch", principal, [`cloudwatch:${action}`], "*");
      return operation.run(parameters, context);
    },
  };
}

const malformed: DecodeFailure = (fault, path) =>
  fault.kind === "unknown"
    ? new ApiError("MalformedInput", `Unexpected member ${path}`)
    : new ApiError("MalformedInput", `${path}: ${fault.found} is no ${fault.expected}`);
