import { randomInt } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { need } from "../host/places.ts";
import type { Ended } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { DirectoryStage } from "./directory-stage.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

beforeEach((context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, ["sshd", "ssh", "rsync"].every(isInstalled), "sshd, ssh and rsync");
});

/** So large that it is still written when a kill comes; of what never gets so far little is enough. */
async function source(stage: DirectoryStage, bytes = 20_000_000): Promise<string> {
  const made = await stage.folder("source");
  await writeFile(path.join(made, "data"), Buffer.alloc(bytes, "abcdefg"));
  return made;
}

/**
 * Runs a copy and kills it when EC2 has been asked for something, or some milliseconds after that, or when EC2 has done
 * that but nobody has been answered.
 */
async function killedAfter(
  stage: DirectoryStage,
  side: "here" | "elsewhere",
  [action, later = 0]: Step,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { control } = stage.bench.simulator;
  const isUnanswered = later === "unanswered";
  if (isUnanswered) await control.faults([{ kind: "hang-after", action, count: 1 }]);
  const since = control.calls().at(-1)?.number ?? 0;
  let pid = 0;
  const stop = new AbortController();
  const running = stage[side](words, {
    env,
    onStart: (one) => {
      pid = one;
    },
  }).finally(() => stop.abort());
  while (!stop.signal.aborted) {
    const [asked] = control.calls(since).filter((call) => call.action === action);
    if (isUnanswered ? asked?.outcome?.code === "hang-after" : asked !== undefined) {
      if (!isUnanswered) await pause(later);
      process.kill(pid, "SIGKILL");
      break;
    }
    await pause(5);
  }
  return running;
}

/** The request after which it is killed; later = so long after it, or after it was done and before its answer. */
type Step = readonly [action: string, later?: number | "unanswered"];

/** Where the volume comes in, and in the middle of writing to it. */
const writing: readonly Step[] = [
  ["CreateVolume"],
  ["AttachVolume"],
  ["CreateTags"],
  ["CreateTags", 100],
  ["DetachVolume"],
];

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? randomInt(2 ** 31));
console.log(`copies that are killed: SEED=${seed}${soak ? ", at each step" : " (SOAK=1 for each step)"}`);
const chance = chanceOf(seed);

/** One of them: a throw-away instance takes its time at each. */
function some(steps: readonly Step[]): readonly Step[] {
  return soak ? steps : shuffled(steps, chance).slice(0, 1);
}

/** The same whatever is written, and how: once is enough. */
const reaching: readonly Step[] = [
  ["ImportKeyPair"],
  ["CreateSecurityGroup"],
  ["AuthorizeSecurityGroupIngress"],
  ["RunInstances"],
  ["GetConsoleOutput"],
];
/** What was made has no id for anybody but EC2, and is found all the same. */
const unheard: readonly Step[] = [
  ["CreateVolume", "unanswered"],
  ["AttachVolume", "unanswered"],
];
const unheardElsewhere: readonly Step[] = [
  ["ImportKeyPair", "unanswered"],
  ["CreateSecurityGroup", "unanswered"],
  ["RunInstances", "unanswered"],
];
const removals: Readonly<Record<string, RegExp>> = {
  CreateVolume: /^removed vol-\w+, to which nothing was ever written$/m,
  AttachVolume: /^detached vol-\w+ from i-\w+$/m,
  ImportKeyPair: /^removed key-pair key-\w+$/m,
  CreateSecurityGroup: /^removed security-group sg-\w+$/m,
  RunInstances: /^removed instance i-\w+$/m,
};
const leaving: readonly Step[] = [["TerminateInstances"], ["DeleteKeyPair"], ["DeleteSecurityGroup"]];

test.each([
  { side: "here", method: "dd", steps: [...writing, ...some(unheard)] },
  { side: "here", method: "rsync", steps: writing },
  {
    side: "elsewhere",
    method: "dd",
    steps: [...some(reaching), ...some(unheardElsewhere), ...some(writing), ...some(leaving)],
  },
  { side: "elsewhere", method: "rsync", steps: [...some(writing.slice(2)), ...(soak ? unheard : [])] },
] as const)(
  "a copy $side by $method that is killed is cleaned up, whenever that was, and another one succeeds",
  async ({ side, method, steps }) => {
    await using stage = await DirectoryStage.start();
    const words = ["directory", "-m", method, await source(stage)];
    for (const step of steps) {
      const where = step.join(" + ");
      const killed = await killedAfter(stage, side, step, words);
      expect(killed.signal, `${where}: ${killed.stderr}`).toBe("SIGKILL");
      const cleaned = await stage[side](["directory", "--clean-up"]);
      expect([cleaned.code, cleaned.stderr], `${where}: ${cleaned.stdout}`).toEqual([0, ""]);
      if (step[1] === "unanswered") expect(cleaned.stdout, where).toMatch(removals[step[0]] ?? /^$/);
      await stage.expectClean(where);
      // What was written to stays, and says that it is not whole; what was not is gone.
      for (const { tags } of await stage.volumes())
        expect(tags["ec2-backup:directory-state"], where).not.toBe("new");
      const processes = await sh("pgrep", "-f", `${stage.disks.directory}/source`).catch(() => "");
      expect(processes, where).toBe("");
    }
    const [first] = await stage.volumes();
    const onto = first === undefined ? [] : ["-v", first.id];
    const done = await stage[side]([...words, ...onto]);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    await stage.expectClean("at the end");
  },
  300_000,
);

test("what is killed on another host is left alone until its lease is over", async () => {
  await using stage = await DirectoryStage.start({ kernels: false });
  const directory = await source(stage, 1);
  const other = await stage.folder("other-state");
  const killed = await killedAfter(stage, "elsewhere", ["GetConsoleOutput"], ["directory", directory], {
    STATE_DIRECTORY: other,
  });
  expect(killed.signal, killed.stderr).toBe("SIGKILL");
  const early = await stage.elsewhere(["directory", "--clean-up"]);
  expect([early.code, early.stdout]).toEqual([0, "There is nothing to be cleaned up.\n"]);
  const living = async () =>
    Object.values((await stage.world()).instances).filter(({ state }) => state !== "terminated");
  expect(await living()).toHaveLength(2);
  // The lease is told in the time of this host, which a simulated clock does not move.
  const world = await stage.world();
  const past = "2020-01-01T00:00:00.000Z";
  const [started] = (await living()).filter(({ keyName }) => keyName !== null);
  await stage.bench.simulator.control.instances({
    change: { instance: started?.id ?? "", tags: { "ec2-backup:directory-lease": past } },
  });
  expect(Object.keys(world.keyPairs)).toHaveLength(1);
  const foreseen = await stage.elsewhere(["directory", "--clean-up", "--dry-run"]);
  expect(foreseen.stdout).toMatch(
    /would remove instance i-.*would remove key-pair key-.*would remove security-group sg-.*Nothing has been done/s,
  );
  expect([foreseen.code, (await living()).length]).toEqual([0, 2]);
  const late = await stage.elsewhere(["directory", "--clean-up"]);
  expect([late.code, late.stderr]).toEqual([0, ""]);
  expect(late.stdout).toMatch(/removed instance i-.*removed key-pair key-.*removed security-group sg-/s);
  await stage.expectClean();
}, 100_000);

test("nobody is believed who has another host key than the console shows", async () => {
  const other = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString("base64")} root@other`;
  const lines = ["-----BEGIN SSH HOST KEY KEYS-----", other, "-----END SSH HOST KEY KEYS-----", ""];
  await using stage = await DirectoryStage.start({ kernels: false, console: lines.join("\n") });
  const { code, stdout, stderr } = await stage.elsewhere(["directory", await source(stage, 1)]);
  expect([code, stdout]).toEqual([77, ""]);
  expect(stderr).toContain("who answers has not the key that the console of the instance shows");
  await stage.expectClean();
  expect(await stage.volumes()).toEqual([]);
}, 100_000);

test("who stops it has all of it removed", async () => {
  await using stage = await DirectoryStage.start({ kernels: false });
  const { control } = stage.bench.simulator;
  let pid = 0;
  const running = stage.elsewhere(["directory", await source(stage, 1)], {
    onStart: (one) => {
      pid = one;
    },
  });
  while (!control.calls().some(({ action }) => action === "AttachVolume")) await pause(20);
  process.kill(pid, "SIGINT");
  const { code, stdout, stderr } = await running;
  expect([code, stdout], stderr).toEqual([130, ""]);
  await stage.expectClean();
  expect(await stage.volumes()).toEqual([]);
}, 100_000);

test("who stops it before EC2 shows the instance has that removed too", async () => {
  await using stage = await DirectoryStage.start({ kernels: false });
  const { control } = stage.bench.simulator;
  await control.faults([{ kind: "invisible", action: "RunInstances", seconds: 2 }]);
  let pid = 0;
  const running = stage.elsewhere(["directory", await source(stage, 1)], {
    onStart: (one) => {
      pid = one;
    },
  });
  while (!control.calls().some(({ action }) => action === "RunInstances")) await pause(5);
  process.kill(pid, "SIGINT");
  const { code, stdout, stderr } = await running;
  expect([code, stdout], stderr).toEqual([130, ""]);
  await stage.bench.simulator.control.clock({ advance: "1m" });
  await stage.expectClean();
}, 100_000);

test.each(["dd", "rsync"])(
  "a restore by %s that is killed puts nothing half into its place",
  async (method) => {
    await using stage = await DirectoryStage.start();
    const from = await source(stage);
    const made = await stage.here(["directory", "-m", method, from]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    const back = await stage.folder("back");
    const words = ["restore", "directory", made.stdout.trim(), "--to", back];
    let pid = 0;
    const running = stage.here(words, {
      onStart: (one) => {
        pid = one;
      },
    });
    // From the first moment at which something comes.
    while ((await readdir(back)).length === 0) await pause(1);
    process.kill(pid, "SIGKILL");
    expect((await running).signal).toBe("SIGKILL");
    const work = path.join(back, ".ec2-backup-restore");
    expect(await readdir(back)).toEqual([path.basename(work)]);
    const refused = await stage.here(words);
    expect([refused.code, refused.stdout + refused.stderr]).toEqual([
      64,
      expect.stringContaining(`rm -r ${work}`),
    ]);
    await rm(work, { recursive: true });
    const done = await stage.here(words);
    expect([done.code, done.stderr], done.stdout).toEqual([0, ""]);
    expect(await readdir(back)).toEqual(["data"]);
    expect((await readFile(path.join(back, "data"))).equals(await readFile(path.join(from, "data")))).toBe(
      true,
    );
    await stage.expectClean();
  },
  200_000,
);
