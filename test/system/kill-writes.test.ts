import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { days, expectQuietRun, expectRecovery, volumeCount } from "./aftermath.ts";
import { Bench } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { instance, scenarioOf } from "./history.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));

/** Why nothing can be traced here; absent where it can. */
const hindrance = ((): string | undefined => {
  const probe = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]);
  if (probe.error !== undefined) return "strace is not installed";
  return probe.status === 0 ? undefined : "strace may not trace here";
})();
if (hindrance !== undefined && process.env["CI"] === "true") throw new Error(hindrance);
console.log(
  hindrance === undefined
    ? `kill at writes: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for more)"}`
    : `kill at writes: skipped, ${hindrance}`,
);

/** File operations have one thread, whose system calls can be counted. */
const env = { UV_THREADPOOL_SIZE: "1" };

/**
 * A system call that changes the state: the `nth` of its name among those on one of the files, or among
 * all where no file is named, since nothing but the state is written by it.
 */
interface Write {
  readonly name: string;
  readonly nth: number;
  readonly file?: string;
}

const lock = "locks/default.lock";
const removals = "removals.jsonl";
/** Of each removed snapshot `removing` and what became of it. */
const lines = 2 * volumeCount;
/** The note before the capture, the report and the configuration, each with its directory. */
const replaced = 3;

function nthOf(name: string, count: number, file?: string): Write[] {
  return Array.from({ length: count }, (_, index) => ({
    name,
    nth: index + 1,
    ...(file === undefined ? {} : { file }),
  }));
}

const writes: readonly Write[] = [
  ...nthOf("openat", 1, lock),
  // As its holder is named, and as it is released.
  ...nthOf("ftruncate", 2, lock),
  ...nthOf("pwrite64", 1, lock),
  ...nthOf("openat", lines, removals),
  ...nthOf("write", lines, removals),
  ...nthOf("fsync", 2 * replaced + lines),
  ...nthOf("rename", replaced),
];

const chance = chanceOf(seed);
const rounds = Array.from({ length: soak ? 5 : 1 }, (_, round) => round).flatMap((round) =>
  shuffled(writes, chance)
    .slice(0, soak ? undefined : 10)
    .map((write) => ({
      ...write,
      on: write.file ?? "the state",
      round,
      gap: chance() < 0.5 ? "20s" : "24h",
      quiet: soak || chance() < 0.1,
    })),
);

function traced(bench: Bench, what: readonly string[], file: string | undefined): string[] {
  const only = file === undefined ? [] : ["-P", path.join(bench.state, file)];
  return ["strace", "-f", "-y", "-qq", "-o", path.join(bench.folder, "trace"), ...only, ...what];
}

describe.skipIf(hindrance !== undefined)(`what a run writes${hindrance ? ` (${hindrance})` : ""}`, () => {
  test("the kill loop knows every write of a run", async () => {
    await using bench = await Bench.start(scenarioOf(volumeCount, days));
    const changing =
      "trace=openat,creat,ftruncate,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,unlink";
    expect((await bench.run({ under: traced(bench, ["-e", changing], undefined), env })).code).toBe(0);
    const seen = readFileSync(path.join(bench.folder, "trace"), "utf8")
      .split("\n")
      .filter((line) => line.includes(bench.state) && !/O_RDONLY/.test(line) && !/\.new", O_/.test(line))
      .filter((line) => !/^\d+ +write\(\d+<[^>]*\.new>/.test(line));
    const names = seen.map((line) => /^\d+ +(rename|\w+)/.exec(line)?.[1] ?? line);
    expect(names.toSorted()).toEqual(writes.map(({ name }) => name).toSorted());
  });

  describe.concurrent("a run that is killed at a write leaves nothing that the next one cannot mend", () => {
    test.each(rounds)(
      "killed before $name $nth of $on (round $round, next run $gap later)",
      async (round) => {
        await using bench = await Bench.start(scenarioOf(volumeCount, days));
        const before = await bench.simulator.control.state();
        const kill = [
          "-e",
          `trace=${round.name}`,
          "-e",
          `inject=${round.name}:signal=KILL:when=${round.nth}`,
        ];
        const under = traced(bench, kill, round.file);
        const ended = await bench.execute(["run", "--config", bench.config], { under, env });
        expect(ended.signal ?? ended.code, ended.stderr).toBe("SIGKILL");
        if (round.gap === "20s") tear(bench);
        await expectRecovery(bench, before, round.gap);
        if (round.quiet) await expectQuietRun(bench);
      },
    );
  });
});

/** As if the process had been killed in the middle of the write before, not after it. */
function tear(bench: Bench): void {
  const own = path.join(bench.state, instance.id);
  let names: string[] = [];
  try {
    names = readdirSync(own);
  } catch {
    return;
  }
  for (const name of names.filter((one) => !one.endsWith(".json"))) truncateSync(path.join(own, name), 40);
}
