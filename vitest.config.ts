import { tmpdir } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";

// Some 300 processes of tests load the same SDK, and their programs are stripped of the same types. The agents that
// they start have an environment of their own and know nothing of it.
process.env["NODE_COMPILE_CACHE"] ??= path.join(tmpdir(), "ec2-backup-tests-compiled");

/** Tests that tell times of a second or less apart: they have the machine's two cores to themselves. */
const timed = [
  "test/system/{freeze,held,hold-chaos,hold-marks,hold-policy,late,syslog,thaw,window}*.test.ts",
  // It tells what others have mounted, too.
  "test/agent/doctor*.test.ts",
  "test/hooks/{bounded,command,dump-command,fsfreeze,mongodb,mysql,postgres,redis,thaw}.test.ts",
  "test/host/ping.test.ts",
  "test/log*.test.ts",
];

/** Tests that wait for most of their time: for restic, which takes each lock slowly, for logins, for servers. */
const waiting = [
  "test/hooks/database*.test.ts",
  "test/engines/restic-*.test.ts",
  "test/agent/restore-stored.test.ts",
  "test/system/{directory,dumps,repository,stored-r,upkeep}*.test.ts",
  "test/system/{hold-refusals,policies-directory,readme-files}.test.ts",
  "test/system/stores/*.test.ts",
];

/** Nothing that a file leaves to the next one disturbs it: modules need not be loaded anew for each. */
const side = ["test/{actions,aws,config,core}/!(load-lazily).test.ts"];

export default defineConfig({
  test: {
    // Real processes and servers on two cores: a test is slow when the machine is busy, not when it hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    projects: [
      {
        extends: true,
        test: { name: "timed", include: timed, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // These wait for a third of their time, so that three keep two cores busy.
        test: {
          name: "others",
          include: ["test/**/*.test.ts"],
          exclude: [...timed, ...waiting, ...side],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "side by side",
          include: side,
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // Two cores are not half busy with three of them.
        test: { name: "waiting", include: waiting, maxWorkers: 6, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
