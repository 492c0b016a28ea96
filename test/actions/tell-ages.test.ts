import { expect, test } from "vitest";
import { tellAges } from "../../src/actions/tell-ages.ts";
import { at, hour, instance, job, later, point } from "../core/points.ts";

test("an age is told under the dimensions that have a value, since CloudWatch refuses an empty one", async () => {
  const captured = at("2027-03-01T02:00");
  const told: unknown[] = [];
  const metrics = {
    namespace: "EC2Backup",
    dimensions: ["Server", "Job", "Drive"] as const,
    enabled: true,
    outputs: ["cloudwatch"] as const,
    perVolume: false,
  };
  const ages = await tellAges(
    ["default"],
    { instance, jobs: [job()], metrics },
    {
      list: async () => ({ points: [point(captured)], asOf: later(captured, hour) }),
      metrics: { publish: async (...given) => void told.push(given) },
      note: async () => undefined,
    },
  );
  expect(ages).toEqual([{ job: "default", ageSeconds: 3600 }]);
  const age = { name: "SecondsSinceLastBackup", unit: "Seconds", value: 3600 };
  expect(told).toEqual([[[age], { Server: instance.id, Job: "default" }]]);
});
