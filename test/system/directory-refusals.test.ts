import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { directoryTags } from "../../src/core/directory.ts";
import { isLinux, isRoot, need } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { instance } from "./history.ts";
import { isInstalled, sh } from "./loop-disks.ts";

const other = "i-0fa00000000000002";
const keys = { AWS_ACCESS_KEY_ID: "AKIADIRECTORYSTAGE01", AWS_SECRET_ACCESS_KEY: "secret" };
const outside = { ...keys, AWS_EC2_METADATA_DISABLED: "true" };
const volume = (digit: number) => `vol-0000000000000000${digit}`;
const [small, used, distant, mirrored, missing] = [volume(1), volume(2), volume(3), volume(4), volume(5)];

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({
    limits: false,
    instances: [{ id: instance.id }, { id: other }],
    volumes: [
      { id: "vol-0000000000000000a", size: 8, attachments: [{ instance: instance.id, device: "/dev/xvda" }] },
      { id: small, size: 1 },
      { id: used, size: 8, attachments: [{ instance: other, device: "/dev/sdf" }] },
      { id: distant, size: 8, zone: "eu-central-1b" },
      {
        id: mirrored,
        size: 8,
        tags: { [directoryTags.method]: "rsync", [directoryTags.state]: "complete" },
      },
    ],
    accessKeys: [{ id: keys.AWS_ACCESS_KEY_ID, user: "elsewhere" }],
  });
  await mkdir(path.join(bench.folder, "little"));
  await writeFile(path.join(bench.folder, "file"), "text\n");
  await mkdir(path.join(bench.folder, "much"));
  // tar reads nothing of what it only counts, so that the room for it is enough.
  await sh("fallocate", "-l", "1100M", path.join(bench.folder, "much", "data"));
});

afterAll(() => bench[Symbol.asyncDispose]());

beforeEach((context) => {
  need(
    context,
    isLinux && isRoot && ["tar", "fallocate"].every(isInstalled),
    "Linux, root, tar and fallocate",
  );
});

interface Refusal {
  readonly what: string;
  /** The words of the command; what begins with @ is of the test's folder. */
  readonly words: readonly string[];
  /** Set: outside of EC2, with this in the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  /** The place, and what to do. */
  readonly says: readonly string[];
}

const refusals: readonly Refusal[] = [
  {
    what: "a directory that is not there",
    words: ["@missing"],
    code: 64,
    says: ["cannot read @missing: there is no such directory", "see that its name is right"],
  },
  {
    what: "a file",
    words: ["@file"],
    code: 64,
    says: ["cannot read @file: it is not a directory", "name the one that it is in: @\n"],
  },
  {
    what: "an unknown method",
    words: ["-m", "cpio", "@little"],
    code: 64,
    says: ["'-m, --method <method>' argument 'cpio' is invalid", "choices are dd, rsync"],
  },
  {
    what: "what is no region",
    words: ["--region", "nowhere", "@little"],
    env: {},
    code: 64,
    says: ["nowhere is no region", "name one by --region or AWS_REGION"],
  },
  {
    what: "a region that EC2 does not know",
    words: ["--region", "eu-nowhere-9", "@little"],
    env: {},
    code: 77,
    says: ["AuthFailure (401)", "see that eu-nowhere-9 is a region that the account has enabled"],
  },
  {
    what: "a region whose name has no address",
    words: ["--region", "eu-nowhere-9", "@little"],
    env: { AWS_ENDPOINT_URL: "http://ec2.eu-nowhere-9.invalid" },
    code: 64,
    says: ["the region eu-nowhere-9 has no address", "see that there is such a region"],
  },
  {
    what: "a volume that is too small",
    words: ["-v", small, "@much"],
    code: 2,
    says: [`@much onto ${small}: the volume is too small: it has 1 GiB`, "1.07 GiB; take a larger one"],
  },
  {
    what: "a volume that another instance uses",
    words: ["-v", used, "@little"],
    code: 2,
    says: [
      `onto ${used}: it is in use: attached to ${other} as /dev/sdf`,
      `detach-volume --volume-id ${used}`,
    ],
  },
  {
    what: "a volume of another zone",
    words: ["-v", distant, "@little"],
    code: 2,
    says: [`onto ${distant}: it is in the zone eu-central-1b`, "add --elsewhere"],
  },
  {
    what: "a volume that the other method keeps up",
    words: ["-v", mirrored, "@little"],
    code: 2,
    says: [`onto ${mirrored}: it holds a directory by -m rsync`, "use -m rsync, or take another volume"],
  },
  {
    what: "a volume that is not there",
    words: ["-v", missing, "@little"],
    code: 2,
    says: [`there is no such volume in ${instance.region}`, "see that its id and the region are right"],
  },
  {
    what: "a flag of AWS that is for the agent to decide",
    words: ["@little"],
    env: { EC2_BACKUP_FLAGS_AWS: "--key-name mine" },
    code: 64,
    says: ["use EC2_BACKUP_FLAGS_AWS: --key-name is refused", "name your key in EC2_BACKUP_FLAGS_SSH"],
  },
  {
    what: "a flag of ssh that would believe anybody",
    words: ["@little"],
    env: { EC2_BACKUP_FLAGS_SSH: "-o StrictHostKeyChecking=no" },
    code: 64,
    says: ["use EC2_BACKUP_FLAGS_SSH: -o StrictHostKeyChecking=no is refused", "learned from its console"],
  },
  {
    what: "an instance type that there is none of",
    words: ["@little"],
    env: { AWS_BACKUP_INSTANCE_TYPE: "x9.huge" },
    code: 64,
    says: ["cannot look up the instance type x9.huge", "take another type, such as t3.small"],
  },
];

test.each(refusals)("$what is refused before anything is made", async ({ words, env, code, says }) => {
  const { control } = bench.simulator;
  const here = (word: string) => word.replace(/@(\w*)/, (_, name) => path.join(bench.folder, name));
  const where = env === undefined ? {} : { env: { ...outside, ...env } };
  const from = env === undefined ? [] : ["--from", "127.0.0.1/32"];
  const since = control.calls().at(-1)?.number ?? 0;
  const ended = await bench.execute(
    ["--config", bench.config, "directory", ...from, ...words.map(here)],
    where,
  );
  expect([ended.code, ended.stdout], ended.stderr).toEqual([code, ""]);
  for (const sentence of says) expect(ended.stderr).toContain(here(sentence));
  const calls = control.calls(since).filter(({ service }) => service !== "imds");
  expect(calls.map(({ action }) => action).filter((action) => !/^(Describe|Get)/.test(action))).toEqual([]);
  // Nor is there anything left of it here.
  const left = await readdir(path.join(bench.state, "directory")).catch(() => []);
  expect(left).toEqual([]);
});
