import { applyFilters, type Fields, filterShape } from "../filters.ts";
import type { XmlValue } from "../xml.ts";
import { byIds, describeRate, pageOf, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";
import type { Volume } from "./volume.ts";

/** Whether volumes are well, and how far their initialization is. */
export const describeVolumeStatus = operation({
  name: "DescribeVolumeStatus",
  changes: false,
  parameters: {
    VolumeId: ["string"],
    IncludeManagedResources: "boolean",
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeVolumeStatus"),
  prepare(input, context) {
    const { world, elapsed, now } = context;
    const ids = { name: "volumesSet", values: input.VolumeId };
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 1_000, clamps: true });
    const named = byIds("vol", input.VolumeId, seen(world.volumes, elapsed), (volume) => volume.id);
    const found = applyFilters(named, input.Filter, fields);
    return {
      commit() {
        const keys = { keyOf: (each: Volume) => each.id, age: (each: Volume) => each.createTime };
        const page = pageOf("DescribeVolumeStatus", found, input, maxResults, context, keys);
        return {
          volumeStatusSet: page.things.map((volume) => statusOf(volume, now)),
          nextToken: page.nextToken,
        };
      },
    };
  },
});

const health = (volume: Volume) =>
  volume.state === "error" ? "impaired" : volume.state === "creating" ? "insufficient-data" : "ok";

function statusOf(volume: Volume, now: number): XmlValue {
  const passed = health(volume) === "ok" ? "passed" : "failed";
  return {
    volumeId: volume.id,
    availabilityZone: volume.zone,
    volumeStatus: {
      status: health(volume),
      details: [
        { name: "io-enabled", status: passed },
        { name: "io-performance", status: "not-applicable" },
      ],
    },
    eventsSet: [],
    actionsSet: [],
    ...(volume.initialization === null ? {} : { initializationStatusDetails: progressOf(volume, now) }),
  };
}

// The API's reference of InitializationStatusDetails: the time is told only where a rate is paid for.
function progressOf({ initialization }: Volume, now: number): XmlValue {
  const { rate = null, from = 0, until = 0 } = initialization ?? {};
  const done = until <= from ? 1 : Math.min(1, Math.max(0, (now - from) / (until - from)));
  const left = Math.max(0, Math.ceil((until - now) / 1_000));
  return {
    initializationType: rate === null ? "default" : "provisioned-rate",
    progress: Math.floor(done * 100),
    ...(rate === null ? {} : { estimatedTimeToCompleteInSeconds: left }),
  };
}

const fields: Fields<Volume> = {
  "availability-zone": (volume) => [volume.zone],
  "volume-status.status": (volume) => [health(volume)],
  "volume-status.details-name": () => ["io-enabled", "io-performance"],
  "volume-status.details-status": (volume) => [
    health(volume) === "ok" ? "passed" : "failed",
    "not-applicable",
  ],
};
