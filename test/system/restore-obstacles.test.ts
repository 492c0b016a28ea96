import { expect, onTestFinished, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench, type Ended } from "./bench.ts";
import { scenarioOf } from "./history.ts";
import type { Told } from "./restore-host.ts";

const key = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
const arn = (id: string) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`;
const [good, disabled, doomed] = [key("a"), key("b"), key("c")];
const [shared, stranger] = ["snap-0500000000000000a", "999988887777"];

/** What the six volumes of the point are like, the root first. */
const members = [
  {},
  { storageTier: "archive" },
  { lock: "compliance" },
  { encrypted: true, kmsKeyId: arn(disabled) },
  { encrypted: true, kmsKeyId: arn(doomed) },
  { encrypted: true, kmsKeyId: arn(good) },
] as const;

/** A host with one point, and what it says. */
async function host(change: Partial<Scenario> = {}) {
  const given = scenarioOf(members.length, 1, { limits: false, images: [] });
  let next = 0;
  const snapshots = (given.snapshots ?? []).map((one) =>
    one.tags?.[tagKeys.point] === undefined ? one : { ...one, ...members[next++] },
  );
  const theirs = { id: shared, volumeId: "vol-0ffffffffffffffff", ownerId: stranger, encrypted: true };
  const bench = await Bench.start({
    ...given,
    times: { createVolume: 0.1, deleteVolume: 0.1, attach: 0.1, detach: 0.1 },
    recycleBin: { days: 7 },
    keys: [{ id: good }, { id: disabled, state: "Disabled" }, { id: doomed, state: "PendingDeletion" }],
    ...change,
    snapshots: [...snapshots, { ...theirs, kmsKeyId: `arn:aws:kms:eu-central-1:${stranger}:key/${good}` }],
  } as Scenario);
  onTestFinished(() => bench[Symbol.asyncDispose]());
  const restore = (...words: string[]): Promise<Ended> =>
    bench.execute(["--config", bench.config, "restore", "volumes", ...words]);
  return { bench, restore, ids: volumesOf(given) };
}

const volumesOf = (scenario: Scenario): string[] => (scenario.volumes ?? []).map(({ id = "" }) => id);

/** In one line, as it may be broken anywhere. */
const flat = ({ stdout }: Ended): string => stdout.replaceAll(/\s+/g, " ");

test("what cannot be restored now is told with the command or the wait, and nothing is made", async () => {
  const { bench, restore, ids } = await host();
  const snapshots = Object.values((await bench.simulator.control.state()).snapshots);
  const idOf = (index: number) =>
    snapshots.find((one) => one.volumeId === ids[index] && one.tags[tagKeys.point] !== undefined)?.id ?? "";
  const all = await restore("--yes");
  expect([all.code, all.stderr]).toEqual([2, ""]);
  const told = flat(all);
  const region = "--region eu-central-1";
  for (const words of [
    `${idOf(1)} of ${ids[1]} cannot be restored now found it is in the archive tier remedy aws ec2 restore-snapshot-tier ${region} --snapshot-id ${idOf(1)} --temporary-restore-days 7; it takes up to 72 h`,
    `aws ec2 describe-snapshot-tier-status ${region} --filters Name=snapshot-id,Values=${idOf(1)}`,
    `${idOf(3)} of ${ids[3]} cannot be restored now found its key is disabled: ${arn(disabled)} remedy aws kms enable-key --key-id ${arn(disabled)}`,
    `${idOf(4)} of ${ids[4]} cannot be restored now found its key is to be deleted on `,
    `remedy aws kms cancel-key-deletion --key-id ${arn(doomed)} && aws kms enable-key --key-id ${arn(doomed)}`,
  ])
    expect(told).toContain(words);
  // A lock forbids that it is deleted, and a good key is no news.
  for (const index of [2, 5]) expect(told).not.toContain(`${idOf(index)} of`);
  const calls = () => bench.apiCalls().filter(({ action }) => action === "CreateVolume");
  expect(calls()).toEqual([]);

  const locked = await restore(ids[2] ?? "", ids[5] ?? "");
  expect([locked.code, flat(locked)]).toEqual([0, expect.stringContaining("add --yes")]);

  // What was deleted is in the bin: named, and as a member of its point.
  await bench.simulator.control.snapshots([{ change: { snapshot: idOf(2), state: "recoverable" } }]);
  const binned = await restore("--from", idOf(2));
  expect(binned.code).toBe(2);
  expect(binned.stderr).toContain(
    `it was deleted and lies in the Recycle Bin; aws ec2 restore-snapshot-from-recycle-bin ${region} --snapshot-id ${idOf(2)}`,
  );
  const point = snapshots.find(({ id }) => id === idOf(5))?.tags[tagKeys.point] ?? "";
  const rest = flat(await restore(ids[5] ?? "", "--point", point));
  expect(rest).toContain(`No copy of ${ids[2]} because the point lacks its snapshot; one that was deleted`);
  expect(rest).toContain("aws ec2 list-snapshots-in-recycle-bin");

  const theirs = await restore("--from", shared);
  expect([theirs.code, flat(theirs)]).toEqual([
    0,
    expect.stringContaining(`it belongs to account ${stranger} and is shared with this one, encrypted`),
  ]);
  expect(flat(theirs)).toContain("the policy of that key must allow account 111122223333 kms:Decrypt");
});

test.each(["vanishes", "error"] as const)(
  "a key that nobody may look at and that cannot be used is told once EC2 has tried it (%s)",
  async (keyFault) => {
    const { bench, restore, ids } = await host({ keyFault, deny: [{ action: "kms:DescribeKey" }] });
    const tried = await restore(ids[3] ?? "", "--yes", "--json");
    const { result } = JSON.parse(tried.stdout) as Told;
    expect(result, tried.stdout).toMatchObject({
      outcome: "unfinished",
      failure: {
        code: "VolumeGoneAway",
        found: expect.stringContaining("where a volume cannot be encrypted with"),
        remedy: expect.stringContaining("see that the key is enabled"),
      },
    });
    expect(tried.code).toBe(1);
    await bench.simulator.control.clock({ advance: "10s" });
    const { volumes } = await bench.simulator.control.state();
    expect(Object.keys(volumes).sort(), "nothing is left").toEqual([...ids].sort());
  },
);
