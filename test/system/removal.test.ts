import { describe, expect, test } from "vitest";
import { Bench } from "./bench.ts";
import { kept, scenarioOf, volumesOf } from "./history.ts";

const volumes = 11;
/** The root's first, the others four at a time. */
const groups = [1, 4, 4, 2];

async function removing(refusedAt: number | undefined) {
  const scenario = scenarioOf(volumes, kept + 2, { limits: false }, kept);
  await using bench = await Bench.start(scenario, {}, `{ last: ${kept} }`);
  const { control } = bench.simulator;
  if (refusedAt !== undefined) {
    const action = "DeleteSnapshot";
    control.faults([{ kind: "error", action, index: refusedAt, code: "InvalidSnapshot.InUse" }]);
  }
  const run = await bench.run();
  const asked = control.calls().filter(({ action }) => action === "DeleteSnapshot");
  const { snapshots } = await control.state();
  const gone = run.report.retention?.removals ?? [];
  return { run, asked, snapshots, gone };
}

const outcomes = (gone: readonly { readonly outcome: string }[], outcome: string): number =>
  gone.filter((one) => one.outcome === outcome).length;

describe("a point is removed", () => {
  test("with its root volume first", async () => {
    const { run, asked, gone } = await removing(undefined);
    expect(run.code, run.stderr).toBe(0);
    expect(asked).toHaveLength(volumes);
    expect(outcomes(gone, "removed")).toBe(volumes);
    const root = volumesOf(1)[0]?.id;
    expect(gone[0]).toMatchObject({ volumeId: root, outcome: "removed" });
    expect(JSON.stringify(asked[0]?.parameters)).toContain(gone[0]?.snapshotId);
  });

  test("not at all if its root volume's snapshot is refused", async () => {
    const { run, asked, snapshots, gone } = await removing(1);
    expect(asked).toHaveLength(1);
    expect(outcomes(gone, "held")).toBe(1);
    expect(outcomes(gone, "left")).toBe(volumes - 1);
    for (const { snapshotId } of gone) expect(snapshots).toHaveProperty([snapshotId]);
    // Held by what is outside of us: normal.
    expect(run.code, run.stderr).toBe(0);
  });

  test.each([2, 5, 6, 9])("no further once request %i is refused, and that is told", async (refusedAt) => {
    const { run, asked, snapshots, gone } = await removing(refusedAt);
    let sent = 0;
    for (const size of groups) if (sent < refusedAt) sent += size;
    expect(asked).toHaveLength(sent);
    expect(outcomes(gone, "held")).toBe(1);
    expect(outcomes(gone, "removed")).toBe(sent - 1);
    expect(outcomes(gone, "left")).toBe(volumes - sent);
    expect(gone).toHaveLength(volumes);
    for (const { snapshotId, outcome } of gone)
      expect(snapshotId in snapshots, outcome).toBe(outcome !== "removed");
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.problems).toContainEqual(expect.objectContaining({ code: "Halved" }));
  });
});
