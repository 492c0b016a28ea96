import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { restoreRecipe } from "../../src/core/restore-recipe.ts";
import { folder } from "../host/places.ts";
import { four, pointAged } from "./page-facts.ts";
import { instance } from "./points.ts";

const made = pointAged(3_600_000);

/** Runs the commands in a real shell, with a program in the place of the AWS CLI that writes down its words. */
async function wordsOf(commands: readonly string[]): Promise<string[][]> {
  const home = await folder();
  const cli = path.join(home, "aws");
  await writeFile(cli, `#!/bin/sh\n{ printf '%s\\037' "$@"; echo; } >> "${home}/log"\necho vol-new\n`);
  await chmod(cli, 0o755);
  await promisify(execFile)("/bin/sh", ["-euc", commands.join("\n")], {
    env: { PATH: `${home}:${process.env["PATH"]}` },
    cwd: home,
  });
  const log = await readFile(path.join(home, "log"), "utf8");
  return log
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\u001f").slice(0, -1));
}

describe("the recipe of a point", () => {
  test("makes each data volume as it was, waits for it and attaches it where it was", async () => {
    const recipe = restoreRecipe(made, instance);
    const data = recipe.volumes.find(({ root }) => !root);
    expect(recipe.volumes.map(({ root }) => root)).toEqual([true, false, false, false]);
    const words = await wordsOf(data?.commands ?? []);
    expect(words).toEqual([
      [
        ...["ec2", "create-volume", "--region", "eu-central-1", "--availability-zone", "eu-central-1a"],
        ...["--snapshot-id", data?.snapshot, "--volume-type", "gp3", "--iops", "3000", "--throughput", "125"],
        ...["--query", "VolumeId", "--output", "text"],
      ],
      ["ec2", "wait", "volume-available", "--region", "eu-central-1", "--volume-ids", "vol-new"],
      [
        ...["ec2", "attach-volume", "--region", "eu-central-1", "--instance-id", instance.id],
        ...["--device", four[1]?.device, "--volume-id", "vol-new"],
      ],
    ]);
  });

  test("replaces the root volume in place", async () => {
    const [root] = restoreRecipe(made, instance).volumes;
    expect(await wordsOf(root?.commands ?? [])).toEqual([
      [
        ...["ec2", "create-replace-root-volume-task", "--region", "eu-central-1"],
        ...["--instance-id", instance.id, "--snapshot-id", root?.snapshot],
      ],
    ]);
  });

  test("lets no tag become a command", async () => {
    const device = "/dev/x'; touch owned; echo $(touch owned) `touch owned` \\";
    const hostile = {
      ...made,
      recipe: made.recipe.map((one) => ({ ...one, root: false, device, type: "gp3;reboot" })),
    };
    const words = await wordsOf(restoreRecipe(hostile, instance).volumes[0]?.commands ?? []);
    expect(words[0]).toContain("gp3;reboot");
    expect(words[2]).toContain(device);
    expect(words).toHaveLength(3);
  });

  test("asks EC2 for no IOPS or throughput that a type does not have, and says what it does not know", () => {
    const bare = {
      ...made,
      recipe: [{ volumeId: four[1]?.id ?? "", type: "gp2", iops: 300, throughput: 5 }],
    };
    const recipe = restoreRecipe(bare, instance);
    const old = recipe.volumes.find(({ volume }) => volume === four[1]?.id);
    expect(old?.commands[0]).toMatch(/--volume-type gp2 --query/);
    expect(recipe.notes.join(" ")).toContain("does not record how");
    expect(recipe.notes.join(" ")).not.toContain("reboots");
  });

  test("leaves out members that were not completed", () => {
    const [first, ...others] = made.snapshots;
    const partial = { ...made, snapshots: [{ ...first!, state: "error" as const }, ...others] };
    expect(restoreRecipe(partial, instance).volumes).toHaveLength(3);
  });
});
