import type { EC2Client } from "@aws-sdk/client-ec2";

/** The `Date` header of an answer: AWS's clock, which retention goes by. Absent if there was none. */
export function serviceClock(metadata: object): Date | undefined {
  return clocks.get(metadata);
}

const clocks = new WeakMap<object, Date>();

/** Notes the `Date` header of every answer beside its `$metadata`. */
export function noteServiceClock(client: EC2Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const header = dateHeader(result.response);
      const metadata = result.output?.$metadata;
      if (header !== undefined && metadata !== undefined) clocks.set(metadata, header);
      return result;
    },
    { name: "noteServiceClock", step: "deserialize", priority: "high" },
  );
}

function dateHeader(response: unknown): Date | undefined {
  const headers = (response as { headers?: Record<string, string> }).headers;
  const date = new Date(headers?.["date"] ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
