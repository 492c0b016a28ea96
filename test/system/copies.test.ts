import { expect, test } from "vitest";
import type { CopyReport } from "../../src/core/report.ts";
import { Bench, type Run } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const ireland = `${instance.account}/eu-west-1`;
const job = "{ last: 4 }, copy: [{ region: eu-west-1 }]";

const copiesOf = ({ report }: Run) => (report as unknown as { copies?: readonly CopyReport[] }).copies ?? [];
const errors = ({ report }: Run) => report.problems.filter(({ severity }) => severity === "error");

async function start(volumes: number, age: number, retention = job, more: object = {}): Promise<Bench> {
  const scenario = { ...scenarioOf(volumes, age, { limits: false }), clock: { speed: 1 } };
  return Bench.start(
    { ...scenario, copies: { seconds: 600, secondsPerGiB: 0 }, places: [{ region: "eu-west-1" }], ...more },
    {},
    retention,
  );
}

/** The snapshots in the other Region. */
async function there({ simulator }: Bench, place = ireland) {
  const { snapshots } = await simulator.control.state(place);
  return Object.values(snapshots);
}

test("each complete point is copied once, with its tags and what it is of, and the next run adds what is new", async () => {
  await using bench = await start(2, 0);
  const first = await bench.run();
  expect(first.code, first.stdout + first.stderr).toBe(0);
  expect(copiesOf(first)).toMatchObject([{ region: "eu-west-1", begun: [], complete: 0, lagSeconds: 0 }]);
  await bench.tomorrow();
  const second = await bench.run();
  expect(second.code, second.stdout + second.stderr).toBe(0);
  const [point] = first.report.points;
  const [copies] = copiesOf(second);
  expect(copies?.begun.map((one) => one.point)).toEqual([point?.id, point?.id]);
  expect(copies?.lagSeconds).toBeGreaterThan(86_000);
  const made = await there(bench);
  expect(made).toHaveLength(2);
  const { snapshots } = await bench.simulator.control.state();
  for (const { tags } of made) {
    const source = snapshots[tags["Source_SnapshotId"] ?? ""];
    expect(tags).toMatchObject({
      "ec2-backup:copied-from": "eu-central-1",
      "ec2-backup:copied-volume": source?.volumeId,
      "ec2-backup:point": point?.id,
      "ec2-backup:instance": instance.arn,
      "ec2-backup:job": "default",
    });
  }
  await bench.tomorrow();
  const third = await bench.run();
  expect(third.code, third.stdout + third.stderr).toBe(0);
  expect(copiesOf(third)).toMatchObject([{ complete: 1, begun: [{}, {}] }]);
  expect(await there(bench)).toHaveLength(4);
});
