import { describe, expect, it } from "vitest";
import { parse } from "../../src/cli/parse.ts";
import { addRestore } from "../../src/cli/parse-restore.ts";
import { formatLocal, printRestorable, shortener } from "../../src/cli/restore-list.ts";
import { printRestored, printUndone } from "../../src/cli/restore-result.ts";
import { field, printRestorePlan } from "../../src/cli/restore-volumes.ts";
import { terminal } from "../../src/cli/terminal.ts";
import { choosePoint } from "../../src/core/restore-choice.ts";
import { planRestore } from "../../src/core/restore-plan.ts";
import { digest } from "../actions/restore-world.ts";
import { four, pointAged } from "../core/page-facts.ts";
import { instance } from "../core/points.ts";

const read = (...words: string[]) =>
  parse(["--json", ...words], "1.2.3", { commands: { restore: addRestore } });

/** What a person with a terminal of 80 columns reads. */
function shown(print: (out: ReturnType<typeof terminal>) => void): string {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  print(terminal({ write, isTTY: true, columns: 80 }, false));
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  return text;
}

describe("the words of restore", () => {
  const nothing = { jobs: [], tags: [] };

  it.each<[string[], object]>([
    [["list"], { action: "list", query: nothing }],
    [
      ["list", "nightly", "--job", "weekly", "--tag", "A=b=c", "--tag", "B", "--consistency", "application"],
      {
        action: "list",
        query: {
          jobs: ["weekly", "nightly"],
          tags: [{ key: "A", value: "b=c" }, { key: "B" }],
          consistency: "application",
        },
      },
    ],
    [["volumes"], { action: "volumes", query: nothing, wish: { volumes: [] }, yes: false }],
    [["volumes", "--yes", "--dry-run"], { action: "volumes", yes: false }],
    [
      [
        ...["volumes", "vol-0a", "/dev/sdf", "--at", "2026-11-01 03:00", "--mount", "/mnt/x", "--writable"],
        ...["--type", "io2", "--iops", "5000", "--size", "20", "--kms-key", "alias/k", "--label", "two"],
        ...["--initialize", "200", "--instance", "web", "--yes"],
      ],
      {
        action: "volumes",
        query: { ...nothing, at: "2026-11-01 03:00", instance: "web" },
        wish: {
          volumes: ["vol-0a", "/dev/sdf"],
          ...{ type: "io2", iops: 5000, sizeGiB: 20, kmsKey: "alias/k", label: "two", initializeRate: 200 },
        },
        mount: { where: "/mnt/x", writable: true },
        initialize: "rate",
        yes: true,
      },
    ],
    [["volumes", "--initialize", "read"], { initialize: "read", wish: { volumes: [] } }],
    [["volumes", "--undo"], { action: "undo", yes: false }],
    [["instance", "--undo", "--yes"], { action: "undo-instance", yes: true }],
    [
      ["replace", "--undo", "--instance", "i-0123456789abcdef0", "--keep-new"],
      { action: "undo-replace", instance: "i-0123456789abcdef0", keepNew: true, yes: false },
    ],
    [
      ["volumes", "--undo", "--restore", "restore-0123456789abcdef", "--yes"],
      { action: "undo", restore: "restore-0123456789abcdef", yes: true },
    ],
  ])("%j", (words, command) => {
    expect(read("restore", ...words)).toMatchObject({
      kind: "command",
      command: { name: "restore", ...command },
      global: { json: true },
    });
  });

  it.each([
    [[], /Usage: ec2-backup restore/],
    [["frobnicate"], /unknown command/],
    [["volumes", "--mount", "relative"], /expected an absolute path/],
    [["volumes", "--mount", "/"], /other than \//],
    [["volumes", "--writable"], /--writable needs --mount/],
    [["volumes", "--restore", "restore-0123456789abcdef"], /--restore needs --undo/],
    [["volumes", "--undo", "--restore", "vol-1"], /expected restore-/],
    [["volumes", "--undo", "--yes", "vol-0a"], /--undo takes no vol-0a: .*--restore/],
    [["volumes", "--undo", "--at", "1h ago"], /--undo takes no --at/],
    [["volumes", "--undo", "--kms-key", "k"], /--undo takes no --kms-key/],
    [["replace", "--undo", "/dev/sdf"], /--undo takes no \/dev\/sdf/],
    [["replace", "--undo", "--point", "0193a1b2"], /--undo takes no --point/],
    [["instance", "--undo", "--instance", "web"], /--undo takes no --instance/],
    [["list", "--instance", ""], /expected an ARN, an id or a Name tag/],
    [["volumes", "--device", "/dev/nvme1n1"], /expected a name such as \/dev\/sdf/],
    [["volumes", "--point", "0193a1b"], /eight characters/],
    [["volumes", "--from", "vol-0a"], /expected snap-/],
    [["volumes", "--initialize", "99"], /100 to 300/],
    [["volumes", "--iops", "-1"], /whole number/],
    [["volumes", "--type", "gp1"], /Allowed choices/],
    [["list", "--tag", "=x"], /expected KEY=VALUE/],
  ])("%j is refused", (words, message) => {
    expect(read("restore", ...words)).toMatchObject({
      kind: "usage",
      message: expect.stringMatching(message),
    });
  });

  it("fit 80 columns in their help", () => {
    const pages = ["list", "volumes", "file", "ls", "cat", "find", "diff", "replace", "instance"].map(
      (name) => [name],
    );
    for (const words of [[], ...pages]) {
      const help = read("restore", ...words, "--help");
      const text = help.kind === "text" ? help.text : "";
      expect(text).toContain("Examples:");
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    }
  });
});

describe("what is printed of a restore", () => {
  const made = pointAged(3_600_000);
  const plan = planRestore(
    made,
    { volumes: [] },
    {
      instance,
      attached: four,
      taken: [],
      snapshots: made.snapshots,
      facts: { region: instance.region, account: instance.account, now: made.captured, keys: new Map() },
      digest,
    },
  );
  const choice = choosePoint([made], {});
  const page = { choice, plan, earlier: [], unfinished: [], zone: "Europe/Berlin" };

  it("lists points in the zone in which times are read, each with an id that names it", () => {
    const text = shown((out) => printRestorable({ points: [made], all: 1, zone: "Europe/Berlin" }, out));
    expect(text).toContain(formatLocal(made.captured, "Europe/Berlin"));
    expect(text).toContain("Times are of Europe/Berlin");
    expect(shown((out) => printRestorable({ points: [], all: 3, zone: "UTC" }, out))).toContain(
      "None of the 3 points is as asked for",
    );
    const ids = ["0193a1b2-c3d4-7000-8000-000000000001", "0193a1b2-c3d4-7000-9000-000000000001"];
    const short = shortener(ids.map((id) => ({ id })));
    expect(ids.map(short)).toEqual(["0193a1b2-c3d4-7000-8", "0193a1b2-c3d4-7000-9"]);
    expect(formatLocal(new Date("2026-10-25T00:30:00Z"), "Europe/Berlin")).toBe("2026-10-25 02:30");
  });

  it("breaks a long command so that a shell takes its lines for one", () => {
    const command = `ec2-backup restore volumes --undo --restore restore-${"0".repeat(16)} --yes`;
    const lines = shown((out) => field("undo", command, out))
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(2);
    expect(
      lines
        .map((line) => line.slice(11))
        .join("\n")
        .replaceAll(" \\\n", " "),
    ).toBe(command);
  });

  it("says that nobody has the name that was given", () => {
    const none = { points: [], all: 0, zone: "UTC", named: "WEB-1" };
    expect(shown((out) => printRestorable(none, out)).replaceAll("\n", " ")).toContain('is "WEB-1"');
  });

  it("shows the plan: the point, each volume with its shape and device, and what is left", () => {
    const text = shown((out) => printRestorePlan(page, out));
    for (const { volume, request, device } of plan.volumes)
      for (const word of [volume, request.snapshot, device]) expect(text).toContain(word);
    expect(text).toContain(plan.id);
    expect(text).toContain(`No copy of ${made.recipe.find(({ root }) => root)?.volumeId}`);
  });

  it("shows what blocks, and restores that were not finished, with what is to be done", () => {
    const obstacle = {
      snapshot: "snap-1",
      volume: "vol-1",
      severity: "blocks" as const,
      found: "x",
      remedy: "aws y",
    };
    const unfinished = [{ restore: "restore-1", point: "point-1", volumes: ["vol-9"] }];
    const text = shown((out) =>
      printRestorePlan({ ...page, plan: { ...plan, obstacles: [obstacle] }, unfinished }, out),
    );
    expect(text).toContain("snap-1 of vol-1 cannot be restored now");
    expect(text).toContain("aws y");
    expect(text).toContain("restore-1 is not finished: vol-9");
    expect(text).toContain("with --point point-1");
  });

  it("ends with what exists, how to go on and how to undo", () => {
    const volumes = [
      {
        of: "vol-1",
        snapshot: "snap-1",
        id: "vol-7",
        device: "/dev/sdh",
        disk: "/dev/nvme3n1",
        step: "ready",
        found: true,
      },
      { of: "vol-2", snapshot: "snap-2", step: "planned", found: false },
    ] as const;
    const failure = {
      kind: "refused",
      doing: "make a volume",
      found: "AWS answered X",
      remedy: "do y",
    } as const;
    const result = {
      id: plan.id,
      outcome: "unfinished",
      volumes,
      mounted: [],
      notMounted: [],
      failure,
      notes: [],
    } as const;
    const text = shown((out) => printRestored(result, made.id, out));
    expect(text).toContain("vol-7 is a copy of vol-1, made before");
    expect(text).toContain("ready: /dev/sdh, here /dev/nvme3n1");
    expect(text).toContain("No volume of vol-2 has been made");
    expect(text).toMatch(/cannot make a volume: AWS answered X; do y/);
    expect(text).toMatch(/the same words again, with --point/);
    const undone = { id: "vol-7", restore: plan.id, snapshot: "snap-1" };
    expect(shown((out) => printUndone([{ ...undone, outcome: "would-be-removed" }], out))).toContain(
      "add --yes",
    );
    expect(shown((out) => printUndone([], out))).toContain("No restore for this instance");
  });
});
