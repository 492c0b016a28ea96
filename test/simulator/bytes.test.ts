import { mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateSnapshotsCommand, DeleteSnapshotCommand } from "@aws-sdk/client-ec2";
import { expect, onTestFinished, test } from "vitest";
import { instance, refusal, type Simulation, simulate } from "./simulate.ts";

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "simulator-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const backed = (files: string[]) => ({
  settle: { seconds: 10 },
  volumes: files.map((file, index) => ({
    size: 1,
    file,
    attachments: [{ instance, device: `/dev/sd${"fgh"[index]}` }],
  })),
});

const take = async ({ ec2, control }: Simulation) => {
  const { Snapshots = [] } = await ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }),
  );
  const { snapshots } = await control.state();
  return Snapshots.map(({ SnapshotId = "" }) => ({ id: SnapshotId, held: snapshots[SnapshotId] }));
};

test("a snapshot holds its volume's bytes of that instant", async () => {
  const path = await directory();
  const files = [join(path, "f"), join(path, "g")];
  for (const file of files) await writeFile(file, `before ${file}`);
  const taken = await take(await simulate(backed(files)));
  for (const file of files) await writeFile(file, "after");
  for (const [index, { held }] of taken.entries()) {
    expect(await readFile(held?.file ?? "", "utf8")).toBe(`before ${files[index]}`);
  }
});

test("holes stay holes, and only what is written counts as size", async () => {
  const file = join(await directory(), "sparse");
  const handle = await open(file, "w");
  await handle.truncate(1_073_741_824);
  await handle.write(Buffer.alloc(65_536, 1), 0, 65_536, 500_000_000);
  await handle.close();
  const [taken] = await take(await simulate(backed([file])));
  const copy = await stat(taken?.held?.file ?? "");
  expect(copy.size).toBe(1_073_741_824);
  expect(copy.blocks * 512).toBeLessThan(1_048_576);
  expect(taken?.held?.fullSizeBytes).toBe(copy.blocks * 512);
});

test("the bytes go with the snapshot, and all of them with the simulator", async () => {
  const file = join(await directory(), "f");
  await writeFile(file, "bytes");
  const simulation = await simulate(backed([file, file]));
  const [first, second] = await take(simulation);
  await simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: first?.id ?? "" }));
  expect(await readFile(first?.held?.file ?? "", "utf8")).toBe("bytes");
  await simulation.control.clock({ advance: "10s" });
  await expect(stat(first?.held?.file ?? "")).rejects.toMatchObject({ code: "ENOENT" });
  await simulation.simulator.close();
  await expect(stat(second?.held?.file ?? "")).rejects.toMatchObject({ code: "ENOENT" });
});

test("a file that cannot be read fails the whole set", async () => {
  const path = await directory();
  await writeFile(join(path, "f"), "bytes");
  const simulation = await simulate(backed([join(path, "f"), join(path, "missing")]));
  const call = simulation.ec2.send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: instance } }),
  );
  expect(await refusal(call)).toMatchObject({ code: "InternalError", status: 500 });
  const { snapshots } = await simulation.control.state();
  expect(Object.values(snapshots).filter(({ ownerId }) => ownerId === "111122223333")).toEqual([]);
});
