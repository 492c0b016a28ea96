import { expect, test } from "vitest";
import { tellAges } from "../../src/actions/tell-ages.ts";
import { at, hour, instance, job, later, point } from "../core/points.ts";

const metrics = {
  namespace: "EC2Backup",
  dimensions: ["Server", "Job", "Drive"] as const,
  enabled: true,
  outputs: ["cloudwatch"] as const,
  perVolume: false,
};

async function tell(storedAge: () => Promise<number | undefined> | undefined) {
  const captured = at("2027-03-01T02:00");
  const told: unknown[] = [];
  const ages = await tellAges(
    ["default"],
    { instance, jobs: [job()], metrics },
    {
      storedAge,
      list: async () => ({ points: [point(captured)], asOf: later(captured, hour) }),
      metrics: { publish: async (...given) => void told.push(given) },
      note: async () => undefined,
    },
  );
  return { ages, told };
}

test("an age is told under the dimensions that have a value, since CloudWatch refuses an empty one", async () => {
  const { ages, told } = await tell(() => undefined);
  expect(ages).toEqual([{ job: "default", ageSeconds: 3600 }]);
  const age = { name: "SecondsSinceLastBackup", unit: "Seconds", value: 3600 };
  expect(told).toEqual([[[age], { Server: instance.id, Job: "default" }]]);
});

test("a job that stores things has the age of all its series, never that of its volumes alone", async () => {
  expect((await tell(() => Promise.resolve(7_200))).ages).toEqual([{ job: "default", ageSeconds: 7_200 }]);
  expect(await tell(() => Promise.resolve(undefined))).toEqual({ ages: [{ job: "default" }], told: [] });
  const unasked = await tell(() => Promise.reject(new Error("out of reach")));
  expect(unasked).toMatchObject({ ages: [{ job: "default", failure: {} }], told: [] });
});
