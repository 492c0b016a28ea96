import { expect, test } from "vitest";
import { parse } from "../../src/cli/parse.ts";
import { addRestore } from "../../src/cli/parse-restore.ts";
import { printReplaced, printReplacePlan } from "../../src/cli/restore-replace.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { ReplacePlan } from "../../src/core/replace-plan.ts";
import type { Choice } from "../../src/core/restore-choice.ts";

function printed(print: (out: ReturnType<typeof terminal>) => void): string {
  let text = "";
  const stdout = {
    isTTY: true,
    columns: 80,
    write: (line: string) => {
      text += line;
    },
  };
  print(terminal(stdout, false));
  return text;
}

const choice = {
  because: "it is the newest complete point that was asked for",
  point: {
    id: "0193a1b2-c3d4-7000-8000-000000000000",
    captured: new Date("2026-11-01T02:00:00Z"),
    consistency: "crash",
  },
} as unknown as Choice;

const plan = {
  restore: { id: "restore-0123456789abcdef", obstacles: [] },
  instance: { id: "i-0123456789abcdef0" },
  swaps: [
    {
      old: "vol-0123456789abcdef0",
      device: "/dev/sdf",
      captured: "vol-0123456789abcdef0",
      planned: { request: { snapshot: "snap-0123456789abcdef0" }, notes: [] },
    },
  ],
  progress: "new",
  use: { mounts: [{ where: "/srv/data", volume: "vol-0123456789abcdef0" }] },
  refusals: [{ found: "/srv/data is used by mysqld (process 8, works there)", remedy: "systemctl stop x" }],
  notes: ["/srv/data is not in /etc/fstab: it is mounted again now, not by a reboot"],
} as unknown as ReplacePlan;

test("the plan fits a terminal and names volumes, places, the steps and what is in the way", () => {
  const text = printed((out) => printReplacePlan({ choice, plan, zone: "UTC" }, out));
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  for (const words of [
    "vol-0123456789abcdef0",
    "/dev/sdf",
    "/srv/data",
    "2. unmount /srv/data",
    "systemctl stop x",
  ])
    expect(text).toContain(words);
});

test("the end says how to go on and how to go back", () => {
  const result = { id: plan.restore.id, volumes: plan.swaps, mounted: [], notes: [] };
  const failure = { kind: "unreachable", doing: "attach it", found: "no answer" } as const;
  const told = (outcome: "done" | "unfinished" | "rolled-back") =>
    printed((out) =>
      printReplaced({ ...result, outcome, ...(outcome === "done" ? {} : { failure }) }, "p", out),
    ).replace(/\s+(\\\s+)?/g, " ");
  expect(told("done")).toContain("aws ec2 delete-volume --volume-id vol-0123456789abcdef0");
  expect(told("done")).toContain("--undo --restore restore-0123456789abcdef --yes");
  expect(told("unfinished")).toMatch(/NOT FINISHED.*no answer.*--point p.*--undo --yes/);
  expect(told("rolled-back")).toContain("as it was before");
});

const parsed = (...words: string[]) =>
  parse(["restore", "replace", ...words], "1.0.0", { commands: { restore: addRestore } });

test("words become a wish, and what cannot be meant is wrong usage", () => {
  expect(parsed("root", "--instance", "web", "--stop", "--label", "b")).toMatchObject({
    command: {
      name: "restore",
      action: "replace",
      query: { instance: "web" },
      wish: { volumes: ["root"], label: "b" },
      stop: true,
      keepNew: false,
      yes: false,
    },
  });
  expect(
    parsed("--undo", "--yes", "--restore", "restore-0123456789abcdef", "--instance", "i-0123456789abcdef0"),
  ).toMatchObject({
    command: {
      action: "undo-replace",
      yes: true,
      restore: "restore-0123456789abcdef",
      instance: "i-0123456789abcdef0",
    },
  });
  expect(parsed("--yes", "--dry-run")).toMatchObject({ command: { yes: false } });
  for (const words of [
    ["--restore", "restore-0123456789abcdef"],
    ["--undo", "--instance", "web"],
    ["--label", "a b"],
  ])
    expect(parsed(...words).kind, words.join(" ")).toBe("usage");
});
